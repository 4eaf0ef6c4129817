"""Many small batches become few: nothing lost, nothing double, nothing altered."""

import os

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers.batches import A, B, C, commit, values
from helpers.failing import Failing
from helpers.merged import ALL, contents, files, fill, keys_of, whole
from safetensors.numpy import load_file

from popnet.store import Store
from popnet.store.audit import audit
from popnet.store.backend import OLD_S
from popnet.store.compaction import Bounds, compact
from popnet.store.index import Batch, write_entry


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
        assert audit(opened, set(keys)).problems == []
    assert whole(store) and compact(store, ALL) == 0


def test_few_batches_stay_as_they_are(store):
    keys = fill(store)
    before = files(store)
    assert compact(store) == 0 and compact(store) == 0
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
    assert "is damaged" in audit(store, store.recorded()).problems[0]


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


def test_what_is_set_aside_during_a_merge_does_not_come_back(store):
    keys = fill(store, 4, 1)
    victim = store.batches("networks")[2]

    class Overtaken(Failing):
        def put(self, draft, name):
            self.backend.put(draft, name)
            if self.backend.listed("index").get(f"{victim.name}.json"):
                self.backend.move(victim.entry, f"index/{victim.name}.damaged")

    compact(Store(Overtaken(store.backend, 0)), Bounds(least=4, networks=8))
    assert store.recorded() == set(keys) - set(victim.keys)
    assert len(store.batches("networks")) == 3  # left as they were, for another time
    assert {b.replaces for b in store.batches("networks")} == {()}
    named = {f for b in store.batches("networks") for f in b.files}
    assert {f for f in files(store) if f.startswith("weights/")} == {
        f for f in named | set(victim.files) if f.startswith("weights/")
    }


def test_only_old_files_that_no_entry_names_are_swept(store):
    batch = commit(store, [A])
    aside = commit(store, [B])
    for name in ("weights/0a.safetensors", "weights/0b.safetensors"):
        (store.folder / name).write_bytes(b"left")
    os.utime(store.folder / "weights/0a.safetensors", (1, 1))
    for file in (*batch.files, *aside.files):
        os.utime(store.folder / file, (1, 1))
    (store.folder / aside.entry).rename(store.folder / "index" / "x.damaged")
    assert compact(store) == 0
    left = files(store)
    assert "weights/0a.safetensors" not in left and "weights/0b.safetensors" in left
    assert left >= set(batch.files) and not left & set(aside.files)
    assert OLD_S >= 3600 and audit(store, {A}).problems == []


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
    compact(store)
    assert (store.folder / one.entry).is_file() and (store.folder / two.entry).is_file()
    assert (
        len(audit(store, {A, B}).problems) == 1
    )  # set aside: the old ones count again
    assert store.batches() == sorted([one, two]) and store.recorded() == {A, B}
    assert audit(store, {A, B}).problems == []


def test_an_entry_hides_only_networks_that_it_holds(store):
    one = commit(store, [A, B])
    weak = Batch("00ff", "networks", (A,), {}, (one.name,))
    write_entry(store.backend, weak)
    assert store.recorded() == {A, B} and one in store.batches()
