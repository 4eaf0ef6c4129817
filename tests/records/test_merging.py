"""Many small batches become few: nothing lost, nothing double, nothing altered."""

import os
import shutil
import subprocess
import sys
import threading

import numpy as np
import pyarrow.parquet as pq
import pytest
from batches import A, B, C, commit, commit_each_kind, values
from failing import Failing, Killed
from safetensors.numpy import load_file

from popnet.records import Store
from popnet.records.entries import Batch, write_entry
from popnet.records.merging import Bounds, compact
from popnet.records.places import OLD_S

ALL = Bounds(least=2)


def keys_of(count):
    return [f"{n:020x}" for n in range(count)]


def fill(store, count=8, each=2):
    """Batches of every kind; weights and rows differ by network."""
    keys, rng = keys_of(count), np.random.default_rng(4)
    for n in range(0, count, each):
        some = keys[n : n + each]
        rows = [{"key": k, "value": rng.standard_normal(), "none": None} for k in some]
        curves = [{"key": k, "trial": t} for k in some for t in range(3)]
        weights = {}
        for k in some:
            weights[f"{k}/initial.w"] = rng.standard_normal((3, 3)).astype(np.float32)
            weights[f"{k}/final.w"] = np.array([np.nan, -0.0, rng.standard_normal()])
            weights[f"{k}/final.count"] = np.arange(n, n + 5)
            weights[f"{k}/final.none"] = np.zeros((0, 2), np.float32)
        tables = {"networks": rows, "curves": [] if n == 2 else curves}
        store.commit("networks", some, tables, {"weights": weights})
        tests = [{"key": k, "identity": "t", "score": 0.5} for k in some]
        moves = {"dynamics": tests} if n else {}
        answers = {f"{k}/response": rng.standard_normal(3) for k in some}
        tables = {"evaluations": tests, **moves}
        store.commit("evaluations", some, tables, {"responses": answers})
        pairs = [{"key_a": some[0], "key_b": some[-1], "value": rng.standard_normal()}]
        store.commit("comparisons", some, {"comparisons": pairs}, {})
    return keys


def contents(store, keys):
    """All that a store says of these networks, in a form that can be compared."""
    found = {}
    for kind, folder, column in (
        ("networks", "networks", "key"), ("networks", "curves", "key"),
        ("evaluations", "evaluations", "key"), ("evaluations", "dynamics", "key"),
        ("comparisons", "comparisons", "key_a"),
    ):  # fmt: skip
        table = store.table(kind, folder, column, set(keys))
        rows = [] if table is None else table.to_pylist()
        found[folder] = sorted(repr(sorted(row.items())) for row in rows)
        found[f"{folder} columns"] = (
            None if table is None else sorted(map(str, table.schema))
        )
    for folder in ("weights", "responses"):
        found[folder] = {
            (key, name): (a.dtype.str, a.shape, a.tobytes())
            for key, some in store.many_tensors(keys, folder).items()
            for name, a in some.items()
        }
    found["recorded"] = store.recorded()
    return found


def files(store):
    folders = ("index", "merged", "networks", "curves", "weights", "evaluations",
               "dynamics", "responses", "comparisons")  # fmt: skip
    return {f"{f}/{n}" for f in folders for n in store.place.listed(f)}


def whole(store):
    """Whether entries and files belong together, none too many."""
    batches = store.batches()
    named = {f for b in batches for f in b.files} | {b.entry for b in batches}
    return named == files(store)


def test_nothing_is_altered(store):
    keys = fill(store)
    before, reader = contents(store, keys), Store(store.folder)
    reader.batches()
    assert len(store.batches()) == 12 and compact(store, ALL) == 12
    assert [(b.kind, len(b.keys)) for b in store.batches()] == [
        (kind, 8) for kind in [b.kind for b in store.batches()]
    ] and len(store.batches()) == 3
    for opened in (store, reader, Store(store.folder)):
        assert contents(opened, keys) == before
        assert opened.audit(set(keys)) == []
    assert whole(store) and compact(store, ALL) == 0


def test_few_batches_stay_as_they_are(store):
    keys = fill(store)
    before = files(store)
    assert compact(store) == 0 and store.compact() == 0
    assert compact(store, Bounds(least=5)) == 0 and files(store) == before
    assert compact(store, Bounds(least=4)) == 12 and store.recorded() == set(keys)


def test_a_merged_batch_is_within_its_bounds(store):
    keys = fill(store, 16, 1)
    before = contents(store, keys)
    compact(store, Bounds(least=2, networks=5))
    sizes = sorted(len(b.keys) for b in store.batches("networks"))
    assert sizes == [1, 5, 5, 5] and contents(store, keys) == before
    other = Store(store.folder.parent / "other")
    fill(other, 16, 1)
    one = sum(f["bytes"] for f in other.batches("networks")[0].files.values())
    compact(other, Bounds(least=2, bytes=3 * one + one // 2))
    assert {len(b.keys) for b in other.batches("networks")} == {1, 3}
    assert contents(other, keys) == before


def test_batches_grow_by_merging_again(store):
    keys = fill(store, 8)
    compact(store, ALL)
    more = ["e" * 20, "f" * 20]
    for key in more:
        commit(store, [key])
    before = contents(store, keys + more)
    assert compact(store, ALL) == 3  # the merged one and two new
    assert len(store.batches("networks")) == 1 and whole(store)
    assert contents(Store(store.folder), keys + more) == before
    compact(store, Bounds(least=2, networks=4))
    assert contents(store, keys + more) == before  # large ones are left alone


def test_what_was_merged_and_is_committed_again_stays_one(store):
    commit(store, [A, B])
    commit(store, [C])
    compact(store, ALL)
    (merged,) = store.batches()
    for opened in (store, Store(store.folder)):
        assert commit(opened, [A, B], value=2.0) == merged
        assert opened.batches() == [merged] and whole(opened)
    assert values(store, [A, B, C]) == {A: [1.0], B: [1.0], C: [1.0]}
    commit(store, [A], value=3.0)  # in other company: the first stays
    assert values(store, [A, B, C]) == {A: [1.0], B: [1.0], C: [1.0]}
    assert compact(store, ALL) == 2 and values(store, [A]) == {A: [1.0]}


@pytest.mark.parametrize("seed", range(6))
def test_of_a_network_in_several_batches_the_same_one_stays(store, seed):
    rng, keys = np.random.default_rng(seed), keys_of(6)
    for n in range(9):
        some = [k for k in keys if rng.random() < 0.5] or keys[:1]
        commit(store, some, value=float(n), identity=str(n))
    before = values(store, keys), contents(store, keys)["weights"]
    for bounds in (Bounds(least=2, networks=7), ALL):
        compact(store, bounds)
        assert (values(store, keys), contents(store, keys)["weights"]) == before
        assert values(store, keys, "curves") == before[0]


def test_a_damaged_batch_is_left_out_and_found(store):
    fill(store, 8)
    hit = store.batches("networks")[1]
    path = store.folder / hit.file("weights")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert compact(store, ALL) == 12
    assert hit in store.batches() and len(store.batches("networks")) == 2
    assert "is damaged" in store.audit(store.recorded())[0]


def test_other_programs_read_it(store):
    keys = fill(store)
    compact(store, ALL)
    (batch,) = store.batches("networks")
    polars = pytest.importorskip("polars")
    table = polars.scan_parquet(store.folder / "networks" / "*.parquet").collect()
    assert sorted(table["key"]) == keys
    mean = np.mean([v for (v,) in values(store, keys).values()])
    assert table["value"].mean() == pytest.approx(mean, rel=1e-14)
    assert pq.read_table(store.folder / "networks").num_rows == 8
    arrays = load_file(store.folder / batch.file("weights"))
    assert arrays[f"{keys[3]}/final.count"].tolist() == [2, 3, 4, 5, 6]


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("dies", [False, True], ids=["full", "killed"])
def test_a_merge_that_ends_at_any_operation_loses_nothing(tmp_path, after, dies):
    """Each operation in turn fails, or the process is killed there."""
    kth, ended, first = 0, [], Store(tmp_path / "first")
    keys = fill(first, 4)
    before = contents(first, keys)
    while True:
        kth += 1
        store = Store(shutil.copytree(first.folder, tmp_path / str(kth)))
        reader = Store(store.folder)
        reader.batches()
        place = Failing(store.place, kth, dies, after)
        try:
            compact(Store(place), ALL)
        except (OSError, Killed) as error:
            ended.append(type(error))
        else:
            if place.count < kth:
                break
        for opened in (reader, Store(store.folder)):
            assert contents(opened, keys) == before, place.done[-1]
            assert opened.audit(set(keys)) == []
            for kind in ("networks", "evaluations", "comparisons"):
                held = [k for b in opened.batches(kind) for k in b.keys]
                assert sorted(held) == keys
        again = Store(store.folder)
        compact(again, ALL)
        assert contents(again, keys) == before and len(again.batches()) == 3
        sweep_all(again)
        assert whole(again)
    assert kth > 50 and len(ended) > 40
    assert set(ended) == {Killed if dies else OSError}


def sweep_all(store):
    """Make what is left over old, and let it be taken away."""
    for file in files(store):
        os.utime(store.folder / file, (1, 1))
    compact(store, ALL)


def test_only_old_files_that_no_entry_names_are_swept(store):
    batch = commit(store, [A])
    aside = commit(store, [B])
    for name in ("weights/0a.safetensors", "weights/0b.safetensors"):
        (store.folder / name).write_bytes(b"left")
    os.utime(store.folder / "weights/0a.safetensors", (1, 1))
    for file in (*batch.files, *aside.files):
        os.utime(store.folder / file, (1, 1))
    (store.folder / aside.entry).rename(store.folder / "index" / "x.damaged")
    assert store.compact() == 0
    left = files(store)
    assert "weights/0a.safetensors" not in left and "weights/0b.safetensors" in left
    assert left >= set(batch.files) and not left & set(aside.files)
    assert OLD_S >= 3600 and store.audit({A}) == []


def test_old_entries_go_only_where_the_merged_batch_is_whole(store):
    """A killed merge left old entries; then the merged batch lost a file."""
    one, two = commit(store, [A]), commit(store, [B])
    saved = {p: p.read_bytes() for p in store.folder.rglob("*.*") if p.is_file()}
    compact(store, ALL)
    (merged,) = store.batches()
    for path, data in saved.items():
        path.write_bytes(data)
    assert store.batches() == [merged]
    weights = store.folder / merged.file("weights")
    weights.write_bytes(weights.read_bytes()[:-1])
    store.compact()
    assert (store.folder / one.entry).is_file() and (store.folder / two.entry).is_file()
    assert len(store.audit({A, B})) == 1  # set aside: the old ones count again
    assert store.batches() == sorted([one, two]) and store.recorded() == {A, B}
    assert store.audit({A, B}) == []


def test_an_entry_hides_only_networks_that_it_holds(store):
    one = commit(store, [A, B])
    weak = Batch("00ff", "networks", (A,), {}, (one.name,))
    write_entry(store.place, weak)
    assert store.recorded() == {A, B} and one in store.batches()


WRITER = """
import sys
from popnet.records import Store
sys.path.insert(0, sys.argv[3])
from batches import commit, commit_each_kind
store, me = Store(sys.argv[1]), sys.argv[2]
for i in range(15):
    commit_each_kind(store, [f"{me}{i:019d}", f"f{i:019d}"])
"""


@pytest.mark.slow
def test_readers_and_writers_see_everything_while_batches_are_merged(tmp_path):
    """Two writers, two that merge, a reader: each network is always there, once."""
    here = os.path.dirname(__file__)
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen([*command, me, here]) for me in "12"]
    stop, trouble = threading.Event(), []

    def merge():
        mine = Store(tmp_path)
        while not stop.is_set():
            try:
                compact(mine, Bounds(least=3, networks=40))
            except Exception as error:
                trouble.append(error)
                return

    merging = [threading.Thread(target=merge) for _ in "ab"]
    for thread in merging:
        thread.start()
    reader, seen = Store(tmp_path), set()
    while any(w.poll() is None for w in writers):
        recorded = reader.recorded()
        assert seen <= recorded
        seen = recorded
        found = values(reader, seen)
        assert found == {k: [1.0] for k in seen}
        assert set(reader.many_tensors(seen)) == seen
        assert reader.audit(seen) == []
    stop.set()
    for thread in merging:
        thread.join()
    assert trouble == [] and [w.returncode for w in writers] == [0, 0]
    store = Store(tmp_path)
    keys = {f"{me}{i:019d}" for me in "12f" for i in range(15)}
    assert store.recorded() == keys and values(store, keys) == {k: [1.0] for k in keys}
    compact(store, ALL)
    assert store.audit(keys) == [] and len(store.batches()) < 10
    commit_each_kind(store, ["1" + "0" * 19, "f" + "0" * 19])
    assert values(store, keys) == {k: [1.0] for k in keys}
