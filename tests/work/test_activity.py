"""Measured and kept activity: rows, samples, and nothing twice."""

import numpy as np
import pandas as pd
import pytest

import popnet
from popnet.api import Nets
from popnet.canonical import settings_text
from popnet.core.cell import stack
from popnet.engine.activity import rates_of
from popnet.measures import MEASURES, ActivitySeen, ChangeSeen, measured
from popnet.metrics import METRICS, Subject
from popnet.perturbations import PERTURBATIONS, resting
from popnet.runs.tables import write_tables
from popnet.store.parameters import params_of
from popnet.work import pending
from popnet.work.activity import TRAJECTORIES

TAU = "network.tau_s.spread"
DRAWN = {"name": "trajectories", "untrained": True}
AFTER = {
    "trials": 1,
    "dynamics": [
        {"name": "synaptic_jitter", "levels": [0, 0.5]},
        {"name": "epoch_durations", "epoch": "delay", "levels": [0.5]},
    ],
    "sample": 1,
    "compare": ["trajectories", DRAWN, {"name": "weights", "untrained": True}],
}
STATES = [
    ("untrained", "", "{}", 0.0),
    ("trained", "", "{}", 0.0),
    ("trained", "synaptic_jitter", "{}", 0.0),
    ("trained", "synaptic_jitter", "{}", 0.5),
    ("trained", "epoch_durations", '{"epoch": "delay"}', 0.5),
]


@pytest.fixture(scope="module")
def moved(make_run, tmp_path_factory):
    """Two conditions of two networks, one of each sampled; not to be changed."""
    return make_run(tmp_path_factory.mktemp("moved") / "runs", after=AFTER)


def lacking(run):
    known = pending.statuses(run)
    jobs = pending.test_jobs(run, known, known)
    return {
        network.key: missing
        for job in jobs
        for network, missing in zip(job.networks, job.missing, strict=True)
    }


def rates_by_hand(run, network, stage):
    """Mean rates [K, T, N] by ``popnet.record``, and the step."""
    arrays = getattr(run.network(network.key), stage)
    nets = Nets((network,), stack([params_of(arrays)]), ())
    rates_BTN = popnet.record(nets, trials=5).rates_PBTN[0]
    return rates_BTN.reshape(5, 4, *rates_BTN.shape[1:]).mean(0)


def test_each_network_has_a_row_for_each_state_and_level(moved):
    table = moved.dynamics()
    assert list(table["key"]) == [n.key for n in moved.networks for _ in STATES]
    for _, rows in table.groupby("key"):
        found = rows[["state", "name", "settings", "level"]]
        assert list(found.itertuples(index=False, name=None)) == STATES
    assert lacking(moved) == {}


def test_the_measures_are_those_of_the_recorded_rates(moved):
    rows = moved.dynamics().set_index(["key", "state", "name", "level"]).sort_index()
    for network in moved.networks:
        final, initial = (
            rates_by_hand(moved, network, stage) for stage in ("final", "initial")
        )
        for state, rates in (("trained", final), ("untrained", initial)):
            row = rows.loc[(network.key, state, "", 0.0)]
            assert row["bin_s"] == 0.03  # 100 steps of 10 ms in at most 40 bins
            seen = {
                "activity": ActivitySeen(rates, 0.01),
                "change": ChangeSeen(final, rates, 0.01),
            }
            expected = measured("activity", seen["activity"])
            expected |= measured("change", seen["change"])
            assert len(expected) == 7
            for name, value in expected.items():
                if MEASURES[name].settings.over_time:
                    value = [value[t : t + 3].mean() for t in range(0, 100, 3)]
                np.testing.assert_allclose(row[name], value, rtol=1e-3, err_msg=name)
        at = rows.loc[network.key, "trajectory_change"]
        assert at["trained", "", 0.0] == at["trained", "synaptic_jitter", 0.0] == 0
        assert at["trained", "synaptic_jitter", 0.5] > 0 < at["untrained", "", 0.0]
        assert np.isnan(at["trained", "epoch_durations", 0.5])


def test_the_change_of_activity_is_that_of_every_trial_beside_the_same_trial(moved):
    rows = moved.dynamics().set_index(["key", "state", "name", "level"]).sort_index()
    for network in moved.networks:
        at = rows.loc[network.key, "activity_change"]
        assert at["trained", "", 0.0] == at["trained", "synaptic_jitter", 0.0] == 0
        assert at["untrained", "", 0.0] > 0
        arrays = moved.network(network.key).final
        params = params_of(arrays)
        rest = resting(params, network.config)
        known = rates_of(rest, network.seed, 5).double().numpy()
        spread = np.sqrt(np.mean((known - known.mean((0, 1))) ** 2))
        for name, given, level in (
            ("synaptic_jitter", {}, 0.5), ("epoch_durations", {"epoch": "delay"}, 0.5)
        ):  # fmt: skip
            settings, apply = PERTURBATIONS[name]
            other = apply(settings(**given), level, rest, network.seed)
            found = rates_of(other, network.seed, 5).double().numpy()
            beside = known
            if name == "epoch_durations":  # 20 steps of delay have become 30
                within = 20 + (np.arange(30) * 20 + 10) // 30
                steps = [*range(20), *within, *range(40, 100)]
                beside = known[:, steps]
            expected = np.sqrt(np.mean((found - beside) ** 2)) / spread
            if name == "epoch_durations":
                expected *= spread / np.sqrt(
                    np.mean((beside - beside.mean((0, 1))) ** 2)
                )
            assert at["trained", name, level] == pytest.approx(expected, rel=1e-4)


def test_untrained_is_as_a_network_that_never_trained(moved, make_run, tmp_path):
    after = {"trials": 1, "dynamics": []}
    never = make_run(tmp_path, after=after, train={"trials": 0, "until": None})
    rows, drawn = (
        table[(table["state"] == state) & (table["name"] == "")]
        .drop(columns=["key", "state", "trajectory_change", "activity_change"])
        .reset_index(drop=True)
        for table, state in (
            (never.dynamics(), "trained"), (moved.dynamics(), "untrained")
        )
    )  # fmt: skip
    assert len(rows) == 4
    pd.testing.assert_frame_equal(rows, drawn)


def test_only_the_sample_is_kept_and_compared(moved):
    first, _, third, _ = moved.networks
    keys = [n.key for n in moved.networks]
    assert set(moved.store.files_of(keys, "trajectories")) == {first.key, third.key}
    subjects = []
    for network in (first, third):
        kept = moved.store.tensors(network.key, "trajectories")
        for state, stage in (("trained", "final"), ("untrained", "initial")):
            assert kept[state].dtype == np.float32  # 10 ms: every step
            by_hand = rates_by_hand(moved, network, stage)
            np.testing.assert_allclose(kept[state], by_hand, atol=1e-6)
        whole = moved.network(network.key)
        subjects.append(
            Subject(
                fixed_units=(0, 1, 10, 11),
                initial_NN=whole.initial["recurrent"],
                final_NN=whole.final["recurrent"],
                untrained_KTN=kept["untrained"],
                trained_KTN=kept["trained"],
            )
        )
    rows = moved.comparisons()
    assert len(rows) == 3
    assert set(rows["key_a"]) | set(rows["key_b"]) == {first.key, third.key}
    values = rows.set_index(["metric", "settings"])["value"]
    for settings in moved.sweep.after.compare:
        metric = METRICS[settings.name]
        one, other = ([metric.prepare(settings, subject)] for subject in subjects)
        (expected,) = metric.compare(settings, one, other)
        found = values[settings.name, settings_text(settings)]
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)
    drawn = values["trajectories", '{"untrained": true}']
    assert values["trajectories", "{}"] != drawn


def test_later_only_the_new_is_asked(moved, make_run):
    out = moved.out
    bare = AFTER | {"dynamics": None, "compare": []}
    assert lacking(make_run(out, "trained", name="bare", after=bare)) == {}
    more = AFTER["dynamics"] + [{"name": "initial_state", "levels": [0.2]}]
    run = make_run(out, "trained", name="more", after=AFTER | {"dynamics": more})
    assert [len(missing) for missing in lacking(run).values()] == [1] * 4
    larger = make_run(out, "trained", name="larger", after=AFTER | {"sample": 2})
    kept = {n.key: (TRAJECTORIES,) for n in larger.networks if n.seed.number == 1}
    assert lacking(larger) == kept
    before = moved.dynamics()
    write_tables(moved)
    pd.testing.assert_frame_equal(moved.dynamics(), before)


def test_a_larger_sample_adds_its_own(make_run, tmp_path):
    first = make_run(tmp_path, after=AFTER)
    larger = make_run(tmp_path, name="larger", after=AFTER | {"sample": 2})
    assert lacking(larger) == {} and len(larger.store.batches("trajectories")) == 2
    assert len(larger.comparisons()) == 3 * 6
    assert larger.comparisons()["value"].notna().all()
    write_tables(first)  # what the larger one added is not the first one's
    assert len(first.comparisons()) == 3
    after = AFTER | {"sample": None, "compare": ["behaviour"]}
    every = make_run(tmp_path, "tested", name="every", after=after)
    asked = pending.comparisons(every, pending.statuses(every))
    assert sum(len(pairs) for _, pairs in asked) == 6
    assert lacking(every) == {}


def test_runs_without_the_table_stay_readable(own_run):
    (own_run.folder / "dynamics.parquet").unlink()
    assert own_run.dynamics().empty and "participation_ratio" in own_run.dynamics()
    assert not (own_run.store.folder / "dynamics").exists()
