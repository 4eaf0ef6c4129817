"""A condition of a search: trained in turns, scored by its curves, stopped, gone on."""

import numpy as np
import pytest

from popnet.plan import networks
from popnet.store import Store, checkpoints
from popnet.work import condition as condition_module
from popnet.work.condition import ConditionInTraining, record_stopped
from popnet.work.search_score import (
    DEFAULT_WINDOW,
    WORST,
    CurveSoFar,
    network_score,
    score,
)
from popnet.work.shard import Shard

BPTT = {
    "rule": {"name": "bptt", "batch_trials": 7},
    "network": {"units": 8, "dt_s": 0.02, "tau_s": 0.06},
    "grid": None,
}


@pytest.fixture
def members(tiny):
    train = {"trials": 100, "until": None, "curve_every": 10}
    return tuple(networks(tiny(train=train, grid=None, networks=3)[0]))


@pytest.fixture
def training(tmp_path):
    def make(store="store", checkpoint_s=3600.0):
        return ConditionInTraining(str(tmp_path / store), "cpu", checkpoint_s)

    return make


def recorded(store, keys):
    rows = store.table("networks", "networks", "key", set(keys)).to_pylist()
    curves = store.table("networks", "curves", "key", set(keys)).to_pylist()
    rows = [{k: v for k, v in r.items() if k != "recorded_at"} for r in rows]
    tensors = {k: {n: a.tobytes() for n, a in store.tensors(k).items()} for k in keys}
    rows = sorted(rows, key=lambda r: r["key"])
    return rows, sorted(curves, key=lambda c: (c["key"], c["trial"])), tensors


def trials(worker):
    return [int(t) for p in worker.populations for t in p.progress.trial_P]


# --- training -------------------------------------------------------------------------


def test_looks_on_the_way_change_no_bit(training, members, tmp_path):
    plain = Shard(str(tmp_path / "plain"), "cpu", 3600)
    plain.work(3600, members)
    worker = training()
    worker.take(members)
    for until in (30, 35, 90):
        report = worker.to(until)
        assert trials(worker) == [until] * 3 and not report.done and not report.recorded
    report = worker.to(100)
    keys = [m.key for m in members]
    assert report.done and set(report.recorded) == set(keys)
    assert report.finished == {"trained": 3} and report.trials == 30
    np.testing.assert_equal(recorded(plain.store, keys), recorded(worker.store, keys))


def test_a_batch_that_passes_the_look_is_finished(training, tiny):
    members = tuple(networks(tiny(**BPTT, train={"trials": 30, "until": None})[0]))
    worker = training()
    worker.take(members)
    assert worker.to(20).trials == 2 * 21 and trials(worker) == [21, 21]
    assert worker.to(21).trials == 0
    assert worker.to(30).finished == {"trained": 2}


def test_untrained_controls_end_at_the_first_look(training, tiny):
    members = tuple(networks(tiny(train={"trials": 0, "until": None}, grid=None)[0]))
    worker = training()
    worker.take(members)
    report = worker.to(0)
    assert report.done and set(report.recorded) == {m.key for m in members}
    assert worker.score(0, "accuracy") == (0.0, 0.0, 0.0)


def test_every_look_leaves_a_checkpoint_to_go_on_from(training, members):
    worker = training()
    worker.take(members)
    worker.to(30)
    again = training()
    again.take(members)
    assert trials(again) == [30] * 3
    assert again.to(30).trials == 0 and again.to(40).trials == 30


def test_what_ended_is_recorded_before_a_checkpoint_forgets_it(
    training, tiny, monkeypatch
):
    """Killed between two looks: nothing recorded or checkpointed is lost."""
    until = {"accuracy": 0.1, "window": 10}
    members = tuple(networks(tiny(train={"trials": 50, "until": until})[0]))[:2]
    worker = training(checkpoint_s=0.0)
    worker.take(members)
    saved = []
    monkeypatch.setattr(worker, "_checkpoint", lambda: saved.append(True))

    def killed(*_):
        raise KeyboardInterrupt

    real = condition_module.advance
    calls = iter([real, killed])
    monkeypatch.setattr(condition_module, "advance", lambda *a: next(calls)(*a))
    with pytest.raises(KeyboardInterrupt):
        worker.to(50)
    assert saved and worker.store.recorded() == {members[0].key}


# --- scores ---------------------------------------------------------------------------


def curve(accuracy, every=10, status="", trials=None):
    values = np.array(accuracy, dtype=float)
    ends = every * np.arange(1, len(values) + 1)
    seen = int(ends[-1]) if trials is None else trials
    return CurveSoFar(np.minimum(ends, seen), 1 - values, values, seen, status)


@pytest.fixture
def config(tiny):
    until = {"accuracy": 0.9, "window": 20}
    train = {"trials": 100, "until": until, "curve_every": 10}
    return tiny(train=train)[0].conditions[0].config


def test_a_score_is_the_mean_over_the_last_window(config):
    rising = curve([0, 0.2, 0.4, 0.8, 1.0])
    assert network_score(rising, config, 20, "accuracy") == pytest.approx(0.1)
    assert network_score(rising, config, 40, "accuracy") == pytest.approx(0.6)
    assert network_score(rising, config, 49, "accuracy") == pytest.approx(0.6)
    assert network_score(rising, config, 50, "error") == pytest.approx(0.1)


def test_without_a_criterion_the_window_is_a_hundred_trials(config):
    none = config.model_copy(
        update={"train": config.train.model_copy(update={"until": None})}
    )
    long = curve([0.0] * 10 + [1.0] * DEFAULT_WINDOW, every=10)
    assert network_score(long, none, 100, "accuracy") == 0
    assert network_score(long, none, 150, "accuracy") == pytest.approx(0.5)


def test_a_point_that_is_not_full_yet_does_not_count(config):
    going = curve([0.5, 0.5, 1.0], trials=23)
    assert network_score(going, config, 25, "accuracy") == 0.5
    # the same network, once it is known to have ended there
    over = going._replace(status="converged")
    assert network_score(over, config, 25, "accuracy") == pytest.approx((5 + 3) / 13)
    assert network_score(over, config, 22, "accuracy") == 0.5


def test_a_network_that_ended_counts_with_its_last_value(config):
    over = curve([0.2, 0.9, 0.9], status="converged")
    assert network_score(over, config, 100, "accuracy") == pytest.approx(0.9)


def test_a_diverged_network_counts_as_the_worst_from_then_on(config):
    wild = curve([0.9, 0.9, 0.9], status="diverged", trials=30)
    for metric, worst in WORST.items():
        assert network_score(wild, config, 30, metric) == worst
        assert network_score(wild, config, 20, metric) != worst
    huge = wild._replace(status="unconverged", error_C=np.array([1, 1e300, np.inf]))
    assert network_score(huge, config, 20, "error") == WORST["error"]
    assert network_score(huge, config, 30, "error") == WORST["error"]
    assert network_score(curve([1.0]), config, 5, "accuracy") == WORST["accuracy"]


def test_a_conditions_score_is_median_and_quartiles_over_its_networks(config):
    each = [curve([a, a]) for a in (0.1, 0.4, 0.5, 0.9, 1.0)]
    assert score(each, config, 20, "accuracy") == (0.5, 0.4, 0.9)
    assert score(each[:1], config, 20, "accuracy") == (0.1, 0.1, 0.1)


def test_scores_are_the_same_whoever_trained_the_networks(training, members, tmp_path):
    """In training, from a checkpoint that is ahead, and recorded by another sweep."""
    worker, looks = training(), (30, 60, 100)
    worker.take(members)
    seen = []
    for until in looks:
        worker.to(until)
        seen.append(worker.score(until, "error"))
    assert len(set(seen)) == 3
    ahead = training("ahead")
    ahead.take(members)
    ahead.to(60)
    after = training("ahead")
    after.take(members)
    plain = Shard(str(tmp_path / "plain"), "cpu", 3600)
    plain.work(3600, members)
    beside = training("plain")
    beside.take(members)
    for other in (after, beside):
        for until, expected in zip(looks, seen, strict=True):
            report = other.to(until)
            assert report.trials == 0 or until == 100
            assert other.score(until, "error") == expected
    half = training("half")
    Shard(str(half.store.folder), "cpu", 3600).work(3600, members[:1])
    half.take(members)
    assert half.to(30).trials == 60
    assert half.score(30, "error") == seen[0]


# --- stopped --------------------------------------------------------------------------


def test_stopped_networks_are_recorded_as_such_and_go_on(training, members, tmp_path):
    worker = training()
    worker.take(members)
    worker.to(45)
    record_stopped(worker.store, members, "asha")
    store, keys = Store(worker.store.folder), {m.key for m in members}
    assert store.recorded() == set() and set(store.batches("stopped")[0].keys) == keys
    rows = store.table("stopped", "stopped_networks", "key", keys).to_pylist()
    assert {r["key"] for r in rows} == keys
    for row in rows:
        assert (row["status"], row["trials"], row["until"]) == ("stopped", 45, 45)
        assert row["stopped_by"] == "asha" and 0 <= row["final_accuracy"] <= 1
        assert row["final_error"] > 0 and row["weight_change"] > 0
    curve = store.table("stopped", "stopped_curves", "key", keys).to_pylist()
    assert [c["trial"] for c in curve if c["key"] == min(keys)] == [10, 20, 30, 40, 45]

    plain = Shard(str(tmp_path / "plain"), "cpu", 3600)
    plain.work(3600, members)
    after = Shard(str(store.folder), "cpu", 3600)
    report = after.work(3600, members)
    assert report.trials == 3 * 55  # not from the start
    np.testing.assert_equal(recorded(plain.store, keys), recorded(after.store, keys))


def test_networks_that_had_ended_are_not_recorded_as_stopped(training, members):
    worker = training()
    worker.take(members[:2])
    worker.to(10)  # an old checkpoint of the first network stays with the second
    Shard(str(worker.store.folder), "cpu", 3600).work(3600, members[:1])
    worker.take(members)
    worker.to(20)
    assert record_stopped(worker.store, members, "asha") == 2
    record_stopped(worker.store, members, "asha")  # the launch was killed just then
    keys = {m.key for m in members}
    rows = worker.store.table("stopped", "stopped_networks", "key", keys).to_pylist()
    assert sorted(r["key"] for r in rows) == sorted(m.key for m in members[1:])
    checkpoints.tidy(worker.store.folder, worker.store.recorded())
    saved = checkpoints.load(worker.store.folder, keys).networks
    assert set(saved) == keys  # the first one's is done with, yet not alone in its file


def test_a_condition_of_which_all_networks_ended_has_none_to_stop(training, members):
    worker = training()
    worker.take(members)
    worker.to(100)
    assert record_stopped(worker.store, members, "asha") == 0
    assert not worker.store.batches("stopped")
