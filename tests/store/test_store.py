"""The store: each batch once, and tensors bit for bit."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.batches import A, B, C, commit, values

from popnet.store import Store, StoreError, index
from popnet.store.audit import audit


def test_opening_a_store_creates_nothing(tmp_path):
    store = Store(tmp_path / "none")
    assert store.recorded() == set() and audit(store, {A}).problems == []
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
    assert all(index.FILE.fullmatch(f"x/{n}") or n[-5:] == ".json" for n in names)
    assert store.recorded() == {key} and values(store, [key]) == {key: [1.0]}


def test_the_index_says_what_was_recorded_and_under_which_physics(store):
    name = commit(store, [B, A]).name
    entry = json.loads((store.folder / "index" / f"{name}.json").read_text())
    assert entry["keys"] == [A, B] and entry["kind"] == "networks"
    assert entry["physics"] == index.PHYSICS
    for file, known in entry["files"].items():
        assert (store.folder / file).stat().st_size == known["bytes"]
