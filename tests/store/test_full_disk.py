"""A disk that is full, and any other operation that fails, leaves the store whole."""

import os
import subprocess
from contextlib import suppress

import numpy as np
import pytest
from helpers.batches import A, B, commit, values
from helpers.failing import Failing, Killed

from popnet.store import Store, checkpoints
from popnet.store.audit import audit

DATA = ("networks", "curves", "weights", "index", "checkpoints")


def left(backend):
    return {f"{f}/{n}" for f in DATA for n in backend.listed(f)}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("dies", [False, True], ids=["full", "killed"])
@pytest.mark.parametrize("kind_of_backend", ["folder", "memory"])
def test_a_commit_that_ends_at_any_operation_is_whole_or_not_at_all(
    backend, after, dies
):
    kth, outcomes = 0, set()
    commit(Store(backend), [B])
    before = left(backend)
    while True:
        kth += 1
        key = f"{kth:020x}"
        failing = Failing(backend, kth, dies, after)
        try:
            commit(Store(failing), [key])
        except (OSError, Killed):
            outcomes.add(key in Store(backend).recorded())
        else:
            if failing.count < kth:
                break
        store = Store(backend)
        there = key in store.recorded()
        assert audit(store, {key, B}).problems == []
        assert values(store, [key]) == ({key: [1.0]} if there else {})
        if not there and not dies:
            assert left(backend) == before, failing.done[-1]  # nothing is left over
        commit(store, [key])
        assert values(store, [key, B]) == {key: [1.0], B: [1.0]}
        before = left(backend)
    # once the entry is put the batch counts, though the writer heard of a failure
    assert kth > 10 and outcomes == ({False, True} if after else {False})


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_checkpoint_that_fails_keeps_the_former(backend, after):
    arrays = {"progress.trial_P": np.array([1])}
    checkpoints.save(backend, "ab", [([A], arrays)])
    later = {"progress.trial_P": np.array([2])}
    for kth in range(1, 4):
        failing = Failing(backend, kth, after=after)
        with suppress(OSError):
            checkpoints.save(failing, "ab", [([A], later)])
        found = checkpoints.load(backend, [A])
        assert found.notes == () and found.networks[A]["progress.trial_P"] in (1, 2)
        assert left(backend) == {"checkpoints/ab.safetensors"}


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    made = subprocess.run(command, capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no small disk can be mounted here: {made.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_leaves_no_partial_file_and_no_entry(small_disk):
    store, keys, count = Store(small_disk), [], 0
    arrays = {"progress.trial_P": np.array([1]), "x": np.zeros(40_000)}

    def network(key):
        return {f"{key}/final.recurrent": np.full(3_000, 7.0)}  # 24 KB

    while True:
        key, count = f"{count:020x}", count + 1
        rows = [{"key": key, "value": 1.0}]
        tables = {"networks": rows, "curves": rows}
        try:
            store.commit("networks", [key], tables, {"weights": network(key)})
        except Exception as error:
            assert "28" in str(error) or "No space" in str(error)
            break
        keys.append(key)
    assert 4 < len(keys) < 12
    with pytest.raises(Exception, match=r"28|No space"):
        checkpoints.save(store.backend, "ab", [([A], arrays)])
    again = Store(small_disk)
    assert again.recorded() == set(keys) and audit(again, {*keys, key}).problems == []
    named = {f for b in again.batches() for f in b.files}
    named |= {b.entry for b in again.batches()}
    assert left(store.backend) == named
    hidden = [p.name for p in small_disk.rglob(".*")]
    assert hidden == [".lock"]
    with pytest.raises(Exception, match=r"28|No space"):
        store.commit("networks", [A], {}, {"weights": network(A) | network(B)})
    filler = small_disk / again.batches()[0].file("weights")
    os.unlink(filler)  # somebody makes room
    assert len(audit(again, set(keys)).problems) == 1
    lost = set(keys) - again.recorded()
    commit(again, sorted(lost))
    assert again.recorded() == set(keys) and audit(again, set(keys)).problems == []
