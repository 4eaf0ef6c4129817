"""A shard trains in pieces, records and checkpoints itself; another one may go on."""

import errno
import math
import os
import signal

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from popnet.plan import networks
from popnet.rules import RULES
from popnet.store import Store, StoreError, checkpoints
from popnet.store.shared_mark import marked
from popnet.work import shard as shard_module
from popnet.work.shard import Shard
from popnet.work.shard_report import ShardReport


@pytest.fixture
def members(tiny):
    return tuple(networks(tiny(train={"trials": 60, "until": None})[0]))


@pytest.fixture
def shard(tmp_path, monkeypatch):
    """A shard that looks at the clock after every trial."""
    monkeypatch.setattr(shard_module, "STEPS", 1)

    def make(store="store", checkpoint_s=3600.0):
        return Shard(str(tmp_path / store), "cpu", checkpoint_s)

    return make


def made(store, keys):
    """What is recorded of some networks, but for when."""
    rows = store.table("networks", "networks", "key", set(keys)).to_pylist()
    rows = {r["key"]: {n: v for n, v in r.items() if n != "recorded_at"} for r in rows}
    curves = store.table("networks", "curves", "key", set(keys)).to_pylist()
    return rows, sorted(curves, key=lambda c: (c["key"], c["trial"]))


def assert_same(one, other, members):
    keys = [m.key for m in members]
    first, second = made(one, keys), made(other, keys)
    np.testing.assert_equal(first, second)  # NaN equals NaN
    assert set(first[0]) == set(keys)
    for key in keys:
        mine, others = one.tensors(key), other.tensors(key)
        assert set(mine) == set(others)
        for name, array in mine.items():
            assert array.tobytes() == others[name].tobytes(), f"{key} {name}"


def to_the_end(worker, members=None, seconds=1e-3):
    """Beats until the shard is done."""
    reports = [worker.work(seconds, members)]
    while not reports[-1].done:
        reports.append(worker.work(seconds))
    return reports


def test_small_slices_are_one_go_bit_for_bit(shard, members):
    one, other = shard("one"), shard("other")
    whole = one.work(3600, members)
    reports = to_the_end(other, members)
    assert len(reports) > 10
    assert_same(one.store, other.store, members)
    assert whole.done and whole.trials == sum(b.trials for b in reports) == 4 * 60
    assert whole.finished == {"trained": 4}
    assert sum(b.finished.get("trained", 0) for b in reports) == 4
    assert {b.shard for b in reports} == {whole.shard}


def test_finished_networks_are_on_disk_with_every_beat(shard, members):
    worker, outside, seen = shard(), None, set()
    report = worker.work(1e-3, members)
    while True:
        outside = Store(worker.store.folder)
        assert not seen & set(report.recorded)
        seen |= set(report.recorded)
        assert outside.recorded() == seen
        assert sum(report.finished.values()) == len(report.recorded)
        if report.done:
            break
        report = worker.work(1e-3)
    assert seen == {m.key for m in members}
    assert len(outside.batches()) > 1  # as they finished, not all in the end


def test_a_beat_of_no_time_does_nothing(shard, members):
    worker = shard()
    report = worker.work(0.0, members)
    assert (
        report == ShardReport(report.shard, 0, {}, {}, done=False)
        and len(report.shard) == 16
    )
    assert not worker.store.folder.exists()


def test_the_order_of_networks_changes_nothing(shard, members):
    one, other = shard("one"), shard("other")
    first, second = one.work(3600, members), other.work(3600, members[::-1])
    assert first.shard == second.shard
    assert_same(one.store, other.store, members)


def test_another_split_goes_on_from_the_checkpoints(shard, members):
    """Two shards are killed in mid-training; three others take up their networks."""
    undisturbed = shard("undisturbed")
    undisturbed.work(3600, members)
    for some in (members[:2], members[2:]):
        killed = shard(checkpoint_s=0.0)
        report = killed.work(1e-3, some)
        while report.trials < 1:
            report = killed.work(1e-3)
        assert not report.done
    store = Store(killed.store.folder)
    saved = checkpoints.load(store.folder, [m.key for m in members]).networks
    assert set(saved) == {members[0].key, members[2].key}

    splits = [members[1:3], members[3:], members[:1]]
    trained = 0
    for some in splits:
        worker = shard()
        worker.take(some)
        begun = [int(p.progress.trial_P[0]) for p in worker.populations]
        expected = [
            int(saved[m.key]["progress.trial_P"][0]) if m.key in saved else 0
            for m in some
        ]
        assert begun == expected
        trained += sum(report.trials for report in to_the_end(worker))
    before = sum(int(s["progress.trial_P"][0]) for s in saved.values())
    assert before > 0 and trained == 4 * 60 - before
    assert_same(undisturbed.store, store, members)


def test_a_damaged_checkpoint_is_as_good_as_none(shard, members):
    one, other = shard("one"), shard("other", checkpoint_s=0.0)
    one.work(3600, members)
    other.take(members)
    while not (folder := other.store.folder / "checkpoints").is_dir():
        other.work(1e-3)
    path = next(folder.iterdir())
    data = bytearray(path.read_bytes())
    data[-5] ^= 64
    path.write_bytes(bytes(data))
    again = shard("other")
    first = again.work(0.0, members)
    assert [int(p.progress.trial_P[0]) for p in again.populations] == [0] * 4
    (said,) = first.notes
    assert said.startswith(f"checkpoints/{path.name}: the checkpoint of ")
    assert all(report.notes == () for report in to_the_end(again))  # said once
    assert_same(one.store, again.store, members)


def test_an_incomplete_checkpoint_is_as_good_as_none(shard, members):
    worker = shard(checkpoint_s=0.0)
    worker.take(members)
    folder = worker.store.folder
    while not (folder / "checkpoints").is_dir():
        worker.work(1e-3)
    (path,) = (folder / "checkpoints").iterdir()
    key = members[0].key
    whole = {n[2:]: a for n, a in load_file(path).items() if n.startswith("0/")}
    for name in sorted(whole):
        lacking = {n: a for n, a in whole.items() if n != name}
        checkpoints.save(folder, path.stem, [([key], lacking)])
        worker.take(members)
        assert int(worker.populations[0].progress.trial_P[0]) == 0, name
    checkpoints.save(folder, path.stem, [([key], whole)])
    worker.take(members)
    assert int(worker.populations[0].progress.trial_P[0]) > 0


def test_checkpoints_come_in_time_and_go_in_the_end(shard, members):
    worker = shard(checkpoint_s=3600)
    worker.work(1e-3, members)
    folder = worker.store.folder / "checkpoints"
    assert not folder.exists()
    worker.checkpoint_s = 0.0
    worker.work(1e-3)
    worker.checkpoint_s = 3600
    assert [p.stem for p in folder.iterdir()] == [worker.name]
    save_file({"x": np.ones(2)}, folder / "another.safetensors")
    to_the_end(worker)
    assert [p.stem for p in folder.iterdir()] == ["another"]


def test_a_worker_takes_one_shard_after_another(shard, members):
    one, other = shard("one"), shard("other")
    one.work(3600, members)
    names = {to_the_end(other, some)[-1].shard for some in (members[:1], members[1:])}
    assert len(names) == 2
    assert_same(one.store, other.store, members)


def test_what_the_disk_refuses_is_kept_and_recorded_when_it_can_be(
    shard, members, monkeypatch
):
    worker = shard()
    with monkeypatch.context() as patched:
        patched.setattr(worker.store, "commit", _full)
        refused = worker.work(1e-3, members)
        while worker.populations:
            refused = worker.work(1e-3)
        assert not refused.done and not refused.recorded
        assert "No space left" in refused.waiting
    report = worker.work(1e-3)
    assert report.done and report.waiting == ""
    assert set(report.recorded) == {m.key for m in members} == worker.store.recorded()


def test_a_disk_that_refuses_for_too_long_ends_the_shard(shard, members, monkeypatch):
    worker = shard()
    monkeypatch.setattr(shard_module, "PATIENCE_S", 0.0)
    monkeypatch.setattr(worker.store, "commit", _full)
    with pytest.raises(OSError, match="No space left"):
        worker.work(3600, members)


def _full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("told", ["between two calls", "within a call"])
def test_who_is_told_to_leave_saves_first(shard, members, monkeypatch, told):
    """SIGTERM: what it trains goes on from where it was, by another."""
    worker, ends = shard(), []
    monkeypatch.setattr(os, "_exit", ends.append)
    worker.work(1e-3, members)
    if told == "within a call":
        advance = shard_module.advance

        def interrupted(population, steps):
            signal.raise_signal(signal.SIGTERM)
            return advance(population, steps)

        monkeypatch.setattr(shard_module, "advance", interrupted)
        worker.work(3600)
        monkeypatch.setattr(shard_module, "advance", advance)
    else:
        signal.raise_signal(signal.SIGTERM)
    assert ends == [128 + signal.SIGTERM]
    seen = sum(int(p.progress.trial_P.sum()) for p in worker.populations)
    left = sum(m.config.train.trials for m in members) - seen
    report = shard().work(3600, members)
    assert 0 < report.trials == left - 60 * (len(members) - len(worker.populations))


def test_an_actor_that_sees_another_disk_does_not_begin(tmp_path):
    store, other = Store(tmp_path / "store"), tmp_path / "other"
    with marked(store.backend) as mark:
        assert Shard(store.address, "cpu", 3600, mark).store.recorded() == set()
        with pytest.raises(StoreError, match="does not see the networks"):
            Shard(str(other), "cpu", 3600, mark)
    assert not other.exists()
    with pytest.raises(StoreError):  # a mark of a launch that has ended
        Shard(store.address, "cpu", 3600, mark)


@pytest.fixture(autouse=True)
def _handlers():
    """A shard listens to SIGTERM; the tests' own process does not."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_networks_recorded_before_are_not_trained_again(shard, members):
    """An actor was lost after it had recorded some of its shard."""
    one, other = shard(), shard()
    one.work(3600, members[:2])
    report = other.work(3600, members)
    assert report.trials == 2 * 60 and report.done
    assert set(report.recorded) == {m.key for m in members[2:]}
    assert other.work(1, members) == ShardReport(report.shard, 0, {}, {}, done=True)


# --- diverged networks ---------------------------------------------------------------

BLOWING_UP = {
    "rule": {"name": "bptt", "batch_trials": 4},
    "network": {"units": 8, "dt_s": 0.02, "tau_s": 0.06},
    "train": {"trials": 60, "until": None},
    "grid": {"rule.learning_rate": [1e-3, 3e38, 1e-2]},
    "networks": 1,
}


def test_a_diverged_network_is_a_result_and_its_neighbours_are_as_alone(shard, tiny):
    members = networks(tiny(**BLOWING_UP)[0])
    calm, wild, warm = members
    crowd = shard("crowd")
    report = crowd.work(3600, tuple(members))
    assert report.recorded == {
        calm.key: "trained", wild.key: "diverged", warm.key: "trained"
    }  # fmt: skip
    assert report.finished == {"trained": 2, "diverged": 1} and report.done
    alone = shard("alone")
    for one in members:
        alone.work(3600, (one,))
    assert_same(crowd.store, alone.store, members)
    (row,) = crowd.store.table("networks", "networks", "key", {wild.key}).to_pylist()
    assert row["status"] == "diverged" and 0 < row["trials"] < 60
    assert row["trials_to_criterion"] is None
    for name, array in crowd.store.tensors(wild.key).items():
        assert np.isfinite(array).all(), name  # the last finite weights


def test_a_rule_that_fails_one_network_spoils_no_other(shard, members, monkeypatch):
    """In its tenth trial the errors of the third network are not numbers."""
    undisturbed = shard("undisturbed")
    undisturbed.work(3600, members)
    spoiled = shard("spoiled")
    spoiled.take(members)
    victim, tau_PN = members[2], spoiled.populations[2].params.tau_PN.clone()
    seen = []
    real = RULES["reward_hebbian"].step

    def step(params, state, episode, *more):
        new, state, outcome = real(params, state, episode, *more)
        if torch.equal(params.tau_PN, tau_PN) and int(episode.trial_P[0]) == 9:
            seen.append(True)
            outcome = outcome._replace(error_PB=outcome.error_PB * math.nan)
        return new, state, outcome

    rule = RULES["reward_hebbian"]._replace(step=step)
    monkeypatch.setitem(RULES.own, "reward_hebbian", rule)
    reports = to_the_end(spoiled)
    recorded = {k: s for report in reports for k, s in report.recorded.items()}
    assert len(seen) == 1
    assert recorded == {
        m.key: "diverged" if m is victim else "trained" for m in members
    }
    (row,) = made(spoiled.store, [victim.key])[0].values()
    assert row["trials"] == 10
    others = [m for m in members if m is not victim]
    assert_same(undisturbed.store, spoiled.store, others)
