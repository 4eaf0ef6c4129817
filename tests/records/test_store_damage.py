"""Damage in the store is found, said, and keeps to its own batch."""

import pytest
from batches import A, B, C, commit, commit_each_kind, values

from popnet.records import Store, StoreError

FILES = {
    "networks": "networks/{}.parquet",
    "curves": "curves/{}.parquet",
    "weights": "weights/{}.safetensors",
    "evaluations": "evaluations/{}.parquet",
    "responses": "responses/{}.safetensors",
    "comparisons": "comparisons/{}.parquet",
}

KIND = {
    "curves": "networks",
    "weights": "networks",
    "responses": "evaluations",
}


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[int(place * (len(data) - 1))] ^= 4
    path.write_bytes(bytes(data))


HARMS = {
    "first byte": lambda p: flip(p, 0.0),
    "middle": lambda p: flip(p, 0.5),
    "last byte": lambda p: flip(p, 1.0),
    "truncated": lambda p: p.write_bytes(p.read_bytes()[:-1]),
    "emptied": lambda p: p.write_bytes(b""),
    "longer": lambda p: p.write_bytes(p.read_bytes() + b"\x00"),
    "missing": lambda p: p.unlink(),
}


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("folder", FILES)
def test_audit_finds_damage_and_sets_only_that_batch_aside(store, folder, harm):
    commit_each_kind(store, [A, B])
    commit_each_kind(store, [C, "d" * 20])
    assert store.audit({A, B, C}) == []
    kind = KIND.get(folder, folder)
    hit = next(b for b in store.batches(kind) if A in b.keys)
    other = Store(store.folder)
    assert len(other.batches()) == 6  # read before the damage
    HARMS[harm](store.folder / FILES[folder].format(hit.name))

    assert store.audit({C}) == []  # not of these networks
    (said,) = store.audit({A})
    what = "is missing" if harm == "missing" else "is damaged"
    file = FILES[folder].format(hit.name)
    assert said == f"{file} {what}; 2 records of {kind} will be made again"
    for opened in (store, other, Store(store.folder)):
        assert hit.name not in {b.name for b in opened.batches()}
        assert len(opened.batches()) == 5
        assert (A in opened.recorded()) == (kind != "networks")
        assert C in opened.recorded() and opened.audit({A, B, C}) == []

    commit_each_kind(store, [A, B])
    assert len(store.batches()) == 6 and store.audit({A, B, C}) == []
    assert values(store, [A, B, C]) == {A: [1.0], B: [1.0], C: [1.0]}


def test_two_audits_of_the_same_damage_do_not_fall_over_each_other(store, monkeypatch):
    commit(store, [A])
    other = Store(store.folder)
    other.batches()
    next((store.folder / "weights").iterdir()).unlink()
    monkeypatch.setattr(other, "batches", lambda *_: [*other._batches.values()])
    assert len(store.audit({A})) == 1
    assert len(other.audit({A})) == 1


@pytest.mark.parametrize("harm", HARMS)
def test_damaged_weights_are_never_given_out(store, harm):
    name = commit(store, [A]).name
    path = store.folder / "weights" / f"{name}.safetensors"
    HARMS[harm](path)
    with pytest.raises(StoreError) as caught:
        store.tensors(A)
    assert str(path) in str(caught.value) and "popnet launch" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("harm", ["truncated", "emptied", "missing"])
def test_tables_that_cannot_be_read_are_named(store, harm):
    name = commit(store, [A]).name
    path = store.folder / "networks" / f"{name}.parquet"
    HARMS[harm](path)
    with pytest.raises(StoreError, match="popnet launch") as caught:
        store.table("networks", "networks", "key", {A})
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("harm", ["truncated", "emptied", "missing"])
def test_tensors_of_several_networks_that_cannot_be_read_are_named(store, harm):
    name = commit(store, [A]).name
    path = store.folder / "weights" / f"{name}.safetensors"
    HARMS[harm](path)
    with pytest.raises(StoreError, match="popnet launch") as caught:
        store.many_tensors([A])
    assert str(path) in str(caught.value)


TORN = {
    "empty": b"",
    "half": b'{"kind": "networks", "keys": ["',
    "bytes": b"\xff\xfe\x00",
    "list": b"[]",
    "number": b"3",
    "null": b"null",
    "lacking": b'{"kind": "networks"}',
    "keys_text": b'{"kind": "networks", "keys": "abc", "files": {}}',
    "keys_lists": b'{"kind": "networks", "keys": [["a"]], "files": {}}',
    "keys_numbers": b'{"kind": "networks", "keys": [1], "files": {}}',
    "kind": b'{"kind": ["networks"], "keys": [], "files": {}}',
    "files_list": b'{"kind": "networks", "keys": ["a"], "files": ["weights/a"]}',
    "files_bare": b'{"kind": "networks", "keys": ["a"], '
    b'"files": {"weights/ab.safetensors": 3}}',
    "outside": b'{"kind": "networks", "keys": ["a"], '
    b'"files": {"../../ab.parquet": {"sha256": "0"}}}',
    "absolute": b'{"kind": "networks", "keys": ["a"], '
    b'"files": {"/etc/passwd": {"sha256": "0"}}}',
}


@pytest.mark.parametrize("text", TORN.values(), ids=TORN)
def test_torn_and_foreign_index_entries_are_ignored(store, text):
    commit(store, [A])
    (store.folder / "index" / "00ff.json").write_bytes(text)
    (store.folder / "index" / "folder.json").mkdir()
    (store.folder / "index" / "notes.txt").write_text("mine")
    for opened in (store, Store(store.folder)):
        assert opened.recorded() == {A} and len(opened.batches()) == 1
        assert opened.audit({A, "a"}) == []
        assert values(opened, [A, "a"]) == {A: [1.0]}
        assert set(opened.many_tensors([A, "a"])) == {A}


def test_a_torn_entry_is_no_obstacle_to_the_batch_itself(store):
    name = commit(store, [A]).name
    entry = store.folder / "index" / f"{name}.json"
    entry.write_bytes(entry.read_bytes()[:40])
    assert Store(store.folder).recorded() == set()
    again = Store(store.folder)
    commit(again, [A], value=2.0)
    assert values(again, [A]) == {A: [2.0]} and again.audit({A}) == []
