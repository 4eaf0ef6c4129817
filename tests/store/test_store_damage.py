"""Damage in the store is found, said, and keeps to its own batch."""

import pytest
from helpers.batches import A, B, C, commit, commit_each_kind, values

from popnet.store import Store, StoreError
from popnet.store.audit import audit

FOLDERS = (
    "networks", "curves", "weights", "evaluations", "responses", "comparisons"
)  # fmt: skip

KIND = {
    "curves": "networks",
    "weights": "networks",
    "responses": "evaluations",
}


def file_of(store, folder, batch):
    return store.folder / batch.file(folder)


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


# of weights harmed at their end one network of two is kept: the next test
WHOLE_BATCH = [
    (f, h) for f in FOLDERS for h in HARMS if (f, h) != ("weights", "last byte")
]


@pytest.mark.parametrize(("folder", "harm"), WHOLE_BATCH)
def test_audit_finds_damage_and_sets_only_that_batch_aside(store, folder, harm):
    commit_each_kind(store, [A, B])
    commit_each_kind(store, [C, "d" * 20])
    assert audit(store, {A, B, C}).problems == []
    kind = KIND.get(folder, folder)
    hit = next(b for b in store.batches(kind) if A in b.keys)
    other = Store(store.folder)
    assert len(other.batches()) == 6  # read before the damage
    HARMS[harm](file_of(store, folder, hit))

    assert audit(store, {C}).problems == []  # not of these networks
    (said,) = audit(store, {A}).problems
    what = "is missing" if harm == "missing" else "is damaged"
    assert said == f"{hit.file(folder)} {what}; 2 records of {kind} will be made again"
    for opened in (store, other, Store(store.folder)):
        assert hit.name not in {b.name for b in opened.batches()}
        assert len(opened.batches()) == 5
        assert (A in opened.recorded()) == (kind != "networks")
        assert C in opened.recorded() and audit(opened, {A, B, C}).problems == []

    commit_each_kind(store, [A, B])
    assert len(store.batches()) == 6 and audit(store, {A, B, C}).problems == []
    assert values(store, [A, B, C]) == {A: [1.0], B: [1.0], C: [1.0]}


@pytest.mark.parametrize("spoilt", range(4))
def test_one_damaged_tensor_costs_one_network(store, spoilt):
    keys = [c * 20 for c in "abcd"]
    batch = commit(store, keys)
    path = file_of(store, "weights", batch)
    data = bytearray(path.read_bytes())
    data[-1 - 32 * spoilt] ^= 1  # four float64 each
    path.write_bytes(bytes(data))
    lost = keys[3 - spoilt]
    with pytest.raises(StoreError, match=f"checksum of {lost}/final.recurrent"):
        store.tensors(lost)
    (said,) = audit(store, {keys[0]}).problems
    assert "is damaged; 1 of 4 records of networks will be made again" in said
    kept = set(keys) - {lost}
    for opened in (store, Store(store.folder)):
        assert opened.recorded() == kept and audit(opened, set(keys)).problems == []
        assert set(opened.many_tensors(keys)) == kept == set(values(opened, keys))
    commit(store, keys, value=2.0)  # the same four again: only the lost one counts
    assert values(store, keys) == {k: [1.0 + (k == lost)] for k in keys}
    assert store.tensors(lost)["final.recurrent"][0, 0] == 2.0


def test_two_audits_of_the_same_damage_do_not_fall_over_each_other(store, monkeypatch):
    commit(store, [A])
    other = Store(store.folder)
    old = other.batches()
    next((store.folder / "weights").iterdir()).unlink()
    monkeypatch.setattr(other, "batches", lambda *_: old)
    assert len(audit(store, {A}).problems) == 1
    assert audit(other, {A}).problems == []  # said already


@pytest.mark.parametrize("harm", HARMS)
def test_damaged_weights_are_never_given_out(store, harm):
    path = file_of(store, "weights", commit(store, [A]))
    HARMS[harm](path)
    with pytest.raises(StoreError) as caught:
        store.tensors(A)
    assert str(path) in str(caught.value) and "popnet launch" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("harm", ["truncated", "emptied", "missing"])
def test_tables_that_cannot_be_read_are_named(store, harm):
    path = file_of(store, "networks", commit(store, [A]))
    HARMS[harm](path)
    with pytest.raises(StoreError, match="popnet launch") as caught:
        store.table("networks", "networks", "key", {A})
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("harm", ["truncated", "emptied", "missing"])
def test_tensors_of_several_networks_that_cannot_be_read_are_named(store, harm):
    path = file_of(store, "weights", commit(store, [A]))
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


@pytest.mark.parametrize("folder", ["index", "merged"])
@pytest.mark.parametrize("text", TORN.values(), ids=TORN)
def test_torn_and_foreign_index_entries_are_set_aside_and_said(store, text, folder):
    commit(store, [A])
    (store.folder / folder).mkdir(exist_ok=True)
    (store.folder / folder / "00ff.json").write_bytes(text)
    (store.folder / "index" / "00fe.json").mkdir()
    (store.folder / "index" / "mine.json").write_text("mine")
    (store.folder / "index" / "notes.txt").write_text("mine")
    before = {p for p in store.folder.rglob("*") if p.stem != "00ff"}
    for opened in (store, Store(store.folder)):
        assert opened.recorded() == {A} and len(opened.batches()) == 1
        assert values(opened, [A, "a"]) == {A: [1.0]}
        assert set(opened.many_tensors([A, "a"])) == {A}
    (said,) = audit(store, {C}).problems  # whose it was is not known
    told = "00ff.json is damaged; the records it named will be made again"
    assert said == f"{folder}/{told}"
    assert (store.folder / folder / "00ff.damaged").read_bytes() == text
    for opened in (store, Store(store.folder)):
        assert audit(opened, {A, "a"}).problems == [] and opened.recorded() == {A}
    assert {p for p in store.folder.rglob("*") if p.stem != "00ff"} == before


def test_any_flipped_bit_of_an_entry_is_noticed(store):
    """Each byte in turn: the batch is what it was, or it is not recorded."""
    (batch,) = [commit(store, [A, B])]
    entry = store.folder / batch.entry
    whole = entry.read_bytes()
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= 1 << (place % 7)
        entry.write_bytes(bytes(data))
        assert Store(store.folder).batches() in ([], [batch])
    entry.write_bytes(whole)
    assert Store(store.folder).batches() == [batch]


def test_a_torn_entry_is_no_obstacle_to_the_batch_itself(store):
    name = commit(store, [A]).name
    entry = store.folder / "index" / f"{name}.json"
    entry.write_bytes(entry.read_bytes()[:40])
    assert Store(store.folder).recorded() == set()
    again = Store(store.folder)
    commit(again, [A], value=2.0)
    assert values(again, [A]) == {A: [2.0]} and audit(again, {A}).problems == []
