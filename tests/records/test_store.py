"""The store: whole or not at all, each batch once, and damage found and said."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from popnet.records import Store, StoreError
from popnet.records import store as store_module

A, B, C = "a" * 20, "b" * 20, "c" * 20


def commit(store, keys=(A,), value=1.0, identity=""):
    """A batch of trained networks with a row, a curve and weights each."""
    rows = [{"key": k, "value": value} for k in keys]
    weights = {f"{k}/final.recurrent": np.full((2, 2), value) for k in keys}
    tables = {"networks": rows, "curves": rows}
    return store.commit("networks", keys, tables, {"weights": weights}, identity)


def commit_each_kind(store, keys):
    """One batch of every kind, as a launch leaves them."""
    commit(store, keys)
    rows = [{"key": k, "identity": "t"} for k in keys]
    responses = {f"{k}/response": np.ones(3, np.float32) for k in keys}
    tensors = {"responses": responses}
    store.commit("evaluations", keys, {"evaluations": rows}, tensors)
    pairs = [{"key_a": min(keys), "key_b": max(keys), "value": 0.5}]
    store.commit("comparisons", keys, {"comparisons": pairs}, {})


def values(store, keys, folder="networks"):
    """key -> values in a table."""
    table = store.table("networks", folder, "key", set(keys))
    found = {}
    for row in [] if table is None else table.to_pylist():
        found.setdefault(row["key"], []).append(row["value"])
    return found


def left_over(store):
    """Files that are neither of a batch nor the lock."""
    every = (p for p in store.folder.rglob(".*") if p.is_file())
    return sorted(p.name for p in every if p.name != ".lock")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


# --- whole or not at all -------------------------------------------------------------


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
@pytest.mark.parametrize("place", ["os.fsync", "pathlib.Path.replace"])
@pytest.mark.parametrize("kth", range(4))  # networks, curves, weights, index
def test_a_commit_that_fails_leaves_nothing(store, monkeypatch, place, kth, error):
    owner, name = (os, "fsync") if place == "os.fsync" else (Path, "replace")
    real, calls = getattr(owner, name), []

    def failing(*args):
        calls.append(args)
        if len(calls) == kth + 1:
            raise error("the disk is full")
        return real(*args)

    with monkeypatch.context() as patched, pytest.raises(error):
        patched.setattr(owner, name, failing)
        commit(store)
    assert len(calls) == kth + 1
    for opened in (store, Store(store.folder)):
        assert opened.batches() == [] and opened.recorded() == set()
        assert values(opened, [A]) == {}
    assert not list(store.folder.glob("index/*")) and left_over(store) == []
    commit(store)
    assert store.recorded() == {A} and values(store, [A]) == {A: [1.0]}
    assert store.audit({A}) == []


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from popnet.records import Store
real, calls = os.fsync, []
def fsync(handle):
    calls.append(handle)
    if len(calls) == kth + 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(handle)
os.fsync = fsync
for kth in range(4):
    child = os.fork()
    if not child:
        store = Store(Path(sys.argv[1]) / str(kth))
        key = "a" * 20
        store.commit("networks", [key], {"networks": [{"key": key}], "curves": []},
                     {"weights": {f"{key}/final.recurrent": np.zeros(3)}})
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
"""


def test_a_process_killed_in_a_commit_has_recorded_nothing(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=True)
    for kth in range(4):
        store = Store(tmp_path / str(kth))
        assert store.folder.is_dir() and store.recorded() == set()
        assert store.table("networks", "networks", "key", {A}) is None
        commit(store)
        assert Store(store.folder).recorded() == {A}
        assert values(store, [A]) == {A: [1.0]} and store.audit({A}) == []


WRITER = """
import sys
from pathlib import Path
import numpy as np
from popnet.records import Store
store, me = Store(Path(sys.argv[1])), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for i in range(50):
    for key in (f"{me}{i:019d}", f"f{i // 2:019d}"):  # its own, and one of both
        row = [{"key": key, "value": float(me)}]
        weights = {f"{key}/final.recurrent": np.full(4, key[-3:], float)}
        store.commit("networks", [key], {"networks": row, "curves": row},
                     {"weights": weights})
"""


def test_two_writers_at_once_lose_and_spoil_nothing(tmp_path):
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    writers = [subprocess.Popen([*command, me], **pipes) for me in "12"]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=300)
        assert writer.returncode == 0
    store = Store(tmp_path)
    keys = {f"{me}{i:019d}" for me in "12" for i in range(50)}
    keys |= {f"f{i:019d}" for i in range(25)}
    assert store.recorded() == keys and len(store.batches()) == 125
    assert store.audit(keys) == [] and left_over(store) == []
    found = values(store, keys)
    assert set(found) == keys and all(len(v) == 1 for v in found.values())
    for i in range(25):
        np.testing.assert_array_equal(
            store.tensors(f"f{i:019d}")["final.recurrent"], np.full(4, i)
        )


# --- batches -------------------------------------------------------------------------


def test_opening_a_store_creates_nothing(tmp_path):
    store = Store(tmp_path / "none")
    assert store.recorded() == set() and store.audit({A}) == []
    assert store.table("networks", "networks", "key", {A}) is None
    assert not (tmp_path / "none").exists()


def test_a_batch_committed_twice_is_the_first(store):
    first = commit(store, [A, B], value=1.0)
    before = {p: p.read_bytes() for p in store.folder.rglob("*.*") if p.is_file()}
    assert commit(Store(store.folder), [B, A], value=2.0) == first
    after = {p: p.read_bytes() for p in store.folder.rglob("*.*") if p.is_file()}
    assert before == after and len(store.batches()) == 1
    assert values(store, [A, B]) == {A: [1.0], B: [1.0]}


def test_what_a_batch_is_about_makes_it_another(store):
    names = {
        commit(store, [A]).name,
        commit(store, [A], identity="other").name,
        commit(store, [A, B]).name,
        store.commit("evaluations", [A], {}, {}).name,
    }
    assert len(names) == len(store.batches()) == 4
    assert [b.kind for b in store.batches("evaluations")] == ["evaluations"]


def test_two_stores_see_each_others_batches(tmp_path):
    one, other = Store(tmp_path), Store(tmp_path)
    commit(one, [A])
    assert other.recorded() == {A}
    commit(other, [B], value=2.0)
    assert one.recorded() == {A, B}
    assert values(one, [A, B]) == {A: [1.0], B: [2.0]}
    np.testing.assert_array_equal(one.tensors(B)["final.recurrent"], np.full((2, 2), 2))


def test_a_table_holds_only_the_keys_asked(store):
    commit(store, [A, B])
    commit(store, [C], value=3.0)
    assert values(store, [B, C], "curves") == {B: [1.0], C: [3.0]}
    assert values(store, ["d" * 20]) == {}
    assert store.table("networks", "evaluations", "key", {A}) is None


def test_tables_of_other_columns_join(store):
    """A column that only newer batches have, or that was empty, is filled with null."""
    store.commit("networks", [A], {"networks": [{"key": A, "x": None}]}, {})
    store.commit("networks", [B], {"networks": [{"key": B, "x": 2, "y": "t"}]}, {})
    rows = store.table("networks", "networks", "key", {A, B}).to_pylist()
    assert sorted(rows, key=lambda r: r["key"]) == [
        {"key": A, "x": None, "y": None},
        {"key": B, "x": 2, "y": "t"},
    ]


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


# --- damage --------------------------------------------------------------------------

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


# --- tensors -------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tensors_come_back_bit_for_bit(store, dtype):
    tiny, big = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
    odd = [np.nan, -np.nan, np.inf, -np.inf, -0.0, tiny, big, 0.1]
    random = np.random.default_rng(5)
    given = {
        "odd": np.array(odd, dtype),
        "matrix": random.standard_normal((7, 7)).astype(dtype).T,  # not contiguous
        "scalar": np.array(0.1, dtype),
        "none": np.zeros((0, 3), dtype),
    }
    commit_of = {f"{A}/final.{n}": a for n, a in given.items()}
    store.commit("networks", [A], {}, {"weights": commit_of})
    found = Store(store.folder).tensors(A)
    assert set(found) == {f"final.{n}" for n in given}
    for name, array in given.items():
        back = found[f"final.{name}"]
        assert back.dtype == dtype and back.shape == array.shape
        assert back.tobytes() == array.tobytes()


def test_a_key_that_another_begins_with_is_another_network(store):
    tensors = {"ab/final.x": np.ones(1), "a/final.x": np.zeros(1)}
    store.commit("networks", ["a", "ab"], {}, {"weights": tensors})
    np.testing.assert_array_equal(store.tensors("a")["final.x"], [0])
    both = store.many_tensors(["a", "ab", "abc"])
    assert set(both) == {"a", "ab"} and both["ab"]["final.x"] == 1


def test_a_network_in_two_batches_is_one(store):
    commit(store, [A, B], value=1.0)
    commit(store, [B, C], value=2.0)
    assert store.recorded() == {A, B, C}
    some = store.many_tensors([A, B, C])
    one = store.tensors(B)["final.recurrent"]
    np.testing.assert_array_equal(some[B]["final.recurrent"], one)
    files = store.files_of([A, B, C, "d"])
    assert set(files) == {A, B, C}
    shutil.rmtree(store.folder / Path(files[B]).parent)
    with pytest.raises(StoreError):
        store.tensors(B)


@pytest.mark.parametrize("key", ["", "../x", "/etc/passwd", "a/..", "d" * 20])
def test_an_unknown_or_hostile_key_is_no_network(store, key):
    commit(store, [A])
    with pytest.raises(KeyError):
        store.tensors(key)
    assert store.many_tensors([key]) == {} and store.files_of([key]) == {}
    assert values(store, [key]) == {}


@pytest.mark.parametrize("key", ["../../x", "/tmp/x", "..", "a/b"])
def test_no_key_leads_out_of_the_folder(tmp_path, key):
    store = Store(tmp_path / "deep" / "store")
    commit(store, [key])
    inside = {p for p in (tmp_path / "deep" / "store").rglob("*") if p.is_file()}
    assert {p for p in tmp_path.rglob("*") if p.is_file()} == inside
    names = {p.name for p in inside if p.name != ".lock"}
    assert all(
        store_module.FILE.fullmatch(f"x/{n}") or n[-5:] == ".json" for n in names
    )
    assert store.recorded() == {key} and values(store, [key]) == {key: [1.0]}


def test_the_index_says_what_was_recorded_and_under_which_physics(store):
    name = commit(store, [B, A]).name
    entry = json.loads((store.folder / "index" / f"{name}.json").read_text())
    assert entry["keys"] == [A, B] and entry["kind"] == "networks"
    assert entry["physics"] == store_module.PHYSICS
    for file, known in entry["files"].items():
        assert (store.folder / file).stat().st_size == known["bytes"]
