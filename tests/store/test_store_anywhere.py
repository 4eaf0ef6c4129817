"""The store's promises hold in a folder, on an S3 server, and through fsspec."""

import json
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest
from helpers.batches import A, B, C, commit, commit_each_kind, values
from helpers.failing import Failing

from popnet.store import Store, StoreError, checkpoints
from popnet.store.audit import audit
from popnet.store.compaction import Bounds, compact


@pytest.fixture
def anywhere(backend):
    return Store(backend)


def again(store):
    """The store as another process opens it."""
    return Store(store.address)


def harm(store, file, change):
    """Change a file behind the store's back."""
    data = bytearray(store.backend.read(file))
    change(data)
    with store.backend.draft() as draft:
        draft.write_bytes(bytes(data))
        store.backend.put(draft, file)


def flip_last(data):
    data[-1] ^= 1


def test_a_batch_committed_twice_is_the_first(anywhere):
    first = commit(anywhere, [A, B])
    assert commit(again(anywhere), [B, A], value=2.0) == first
    assert values(anywhere, [A, B]) == {A: [1.0], B: [1.0]}
    for folder in ("networks", "curves", "weights"):
        assert len(anywhere.backend.listed(folder)) == 1  # the other's files are gone
    assert len(anywhere.batches()) == 1


def test_two_stores_see_each_others_batches(anywhere):
    other = again(anywhere)
    commit(anywhere, [A])
    assert other.recorded() == {A}
    commit(other, [B], value=2.0)
    assert anywhere.recorded() == {A, B}
    assert values(anywhere, [A, B], "curves") == {A: [1.0], B: [2.0]}
    found = anywhere.many_tensors([A, B])
    assert found[B]["final.recurrent"].tobytes() == np.full((2, 2), 2.0).tobytes()


def test_damage_is_found_set_aside_and_made_again(anywhere):
    batch = commit(anywhere, [A])
    commit(anywhere, [B])
    harm(anywhere, batch.file("networks"), flip_last)
    with pytest.raises(StoreError, match="popnet launch"):
        anywhere.table("networks", "networks", "key", {A})
    audited = audit(anywhere, {A, B})
    (said,) = audited.problems
    told = "is damaged; 1 records of networks will be made again"
    assert said == f"{batch.file('networks')} {told}"
    assert audited.bytes > 1000
    commit(anywhere, [A], value=2.0)
    assert audit(again(anywhere), {A, B}).problems == []
    assert values(anywhere, [A, B]) == {A: [2.0], B: [1.0]}


def test_a_sound_table_of_other_rows_is_damage_too(anywhere):
    batch, other = commit(anywhere, [A], 1.0), commit(anywhere, [A], 2.0, "other")
    wrong = anywhere.backend.read(other.file("networks"))
    harm(
        anywhere,
        batch.file("networks"),
        lambda data: data.__setitem__(slice(None), wrong),
    )
    with pytest.raises(StoreError, match="its checksum does not match"):
        anywhere.rows(batch, batch.file("networks"))


def test_a_damaged_tensor_costs_one_network(anywhere):
    batch = commit(anywhere, [A, B, C])
    harm(anywhere, batch.file("weights"), flip_last)
    assert anywhere.tensors(A)["final.recurrent"].sum() == 4
    with pytest.raises(StoreError, match="checksum"):
        anywhere.tensors(C)
    (said,) = audit(anywhere, {A}).problems
    assert "1 of 3 records" in said and again(anywhere).recorded() == {A, B}


def test_merged_batches_read_as_before(anywhere):
    keys = [f"{n:020d}" for n in range(12)]
    for n in range(0, 12, 2):
        commit_each_kind(anywhere, keys[n : n + 2])
    reader = again(anywhere)
    before = values(reader, keys), reader.many_tensors(keys)
    assert compact(anywhere, Bounds(least=2)) == 18
    for store in (anywhere, reader, again(anywhere)):
        assert [len(b.keys) for b in store.batches()] == [12, 12, 12]
        assert values(store, keys) == before[0]
        after = store.many_tensors(keys)
        assert {k: t.keys() for k, t in after.items()} == {
            k: t.keys() for k, t in before[1].items()
        }
        for key in keys:
            assert (
                after[key]["final.recurrent"].tobytes()
                == before[1][key]["final.recurrent"].tobytes()
            )
        assert audit(store, set(keys)).problems == []
    listed = {
        f: len(anywhere.backend.listed(f)) for f in ("index", "merged", "weights")
    }
    assert listed == {"index": 0, "merged": 3, "weights": 1}


def test_one_network_of_a_large_file_is_read_without_the_rest(anywhere, monkeypatch):
    rng = np.random.default_rng(2)
    keys = [f"{n:020d}" for n in range(20)]
    given = {f"{k}/final.x": rng.standard_normal(20_000) for k in keys}
    batch = anywhere.commit("networks", keys, {}, {"weights": given})
    read = []
    real = type(anywhere.backend).open

    class Counted:
        def __init__(self, handle):
            self.handle, self.size = handle, handle.size

        def read_at(self, count, at):
            data = self.handle.read_at(count, at)
            read.append(len(data))
            return data

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.handle.close()

    monkeypatch.setattr(
        type(anywhere.backend), "open", lambda self, name: Counted(real(self, name))
    )
    found = anywhere.tensors(keys[7])["final.x"]
    assert found.tobytes() == given[f"{keys[7]}/final.x"].tobytes()
    whole = batch.files[batch.file("weights")]["bytes"]
    assert sum(read) < whole / 10 and max(read) == 160_000


def test_checkpoints_are_found_again_and_damage_is_said(anywhere):
    arrays = {"x": np.ones((2, 3)), "progress.trial_P": np.array([4, 5])}
    checkpoints.save(anywhere.backend, "ab", [([A, B], arrays)])
    found = checkpoints.load(anywhere.address, [B, C])
    assert set(found.networks) == {B} and found.notes == ()
    assert found.networks[B]["progress.trial_P"][0] == 5
    checkpoints.tidy(anywhere.backend, {A})
    assert set(anywhere.backend.listed("checkpoints")) == {"ab.safetensors"}
    harm(anywhere, "checkpoints/ab.safetensors", lambda d: d.__delitem__(-1))
    found = checkpoints.load(anywhere.backend, [B])
    assert found.networks == {} and "kept as" in found.notes[0]
    checkpoints.save(anywhere.backend, "cd", [([A, B], arrays)])
    checkpoints.tidy(anywhere.backend, {A, B})
    assert set(anywhere.backend.listed("checkpoints")) == {"ab.safetensors.damaged"}


def test_two_that_commit_the_same_at_the_same_moment_leave_one(anywhere):
    """Where there is no lock: the other's whole commit falls between all of mine."""
    other = again(anywhere)

    class Overtaken(Failing):
        def put(self, draft, name):
            if name.startswith("index/"):
                with anywhere_lock(self.backend):
                    commit(other, [A, B], value=2.0)
            self.backend.put(draft, name)

    backend = Overtaken(anywhere.backend, 0)
    commit(Store(backend), [A, B], value=1.0)
    store = again(anywhere)
    (batch,) = store.batches()
    assert audit(store, {A, B}).problems == [] and store.recorded() == {A, B}
    assert values(store, [A, B]) == {A: [1.0], B: [1.0]}
    assert store.tensors(A)["final.recurrent"][0, 0] == 1.0
    # a reader that knows the other entry still finds its files: they go when old
    assert values(other, [A, B]) in ({A: [1.0], B: [1.0]}, {A: [2.0], B: [2.0]})
    assert batch.file("weights").partition("/")[2] in store.backend.listed("weights")


def test_a_reader_that_knows_an_entry_made_again_since_reads_the_new_one(anywhere):
    batch, reader = commit(anywhere, [A]), again(anywhere)
    assert reader.recorded() == {A}
    for file in batch.files:
        anywhere.backend.remove(file)
    assert len(audit(anywhere, {A}).problems) == 1
    assert commit(anywhere, [A], value=2.0).name == batch.name
    assert (
        values(reader, [A]) == {A: [2.0]} and audit(again(anywhere), {A}).problems == []
    )
    assert reader.tensors(A)["final.recurrent"][0, 0] == 2.0


@contextmanager
def anywhere_lock(backend):
    """Give the backend no lock; the overtaken writer takes a folder's own."""
    real = type(backend).lock
    type(backend).lock = lambda _: nullcontext()
    try:
        yield
    finally:
        type(backend).lock = real


def test_a_store_of_an_earlier_version_reads_as_before(anywhere):
    """Its entries had no checksum, its tensors none each, its files no own digits."""
    batch = commit(anywhere, [A, B])
    about = json.loads(anywhere.backend.read(batch.entry))
    del about["checksum"]
    for file in list(about["files"]):
        about["files"][file].pop("head", None)
        folder, _, name = file.partition("/")
        short = f"{folder}/{batch.name}{name[name.index('.') :]}"
        about["files"][short] = about["files"].pop(file)
        anywhere.backend.move(file, short)
    with anywhere.backend.draft() as draft:
        draft.write_text(json.dumps(about))
        anywhere.backend.put(draft, batch.entry)
    old = again(anywhere)
    assert old.recorded() == {A, B} and audit(old, {A}).problems == []
    assert values(old, [A, B]) == {A: [1.0], B: [1.0]}
    assert old.tensors(B)["final.recurrent"].sum() == 4
    harm(anywhere, f"weights/{batch.name}.safetensors", flip_last)
    with pytest.raises(StoreError, match="checksum"):
        old.tensors(A)
    assert len(audit(old, {A}).problems) == 1 and old.recorded() == set()
