"""The tables of a study against rows that are written out."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_study import INTO, LEVEL, MadeUpStudy

from popnet.measures import MEASURES
from popnet.studies.heterogeneity import measured
from popnet.studies.heterogeneity.contrasts import SILENCE, by_demand, by_version
from popnet.studies.heterogeneity.doses import doses
from popnet.studies.heterogeneity.pairs import REPLICATE, pairs_of
from popnet.studies.heterogeneity.tables import SHARED, dynamics, learning, read


@pytest.fixture
def run(tmp_path):
    return MadeUpStudy(
        tmp_path, ["dnms", "xor"], ["drive", "state"], [0.0, 1.0], 3, compared=2
    )


def test_the_first_task_tested_is_the_own_whatever_its_settings(run):
    key = run.networks["key"][0]
    others = [("dnms", "{}"), ("dms", "{}"), ("dms", '{"delay_s": 2.0}')]
    rows = [("dnms", '{"delay_s": 0.6}'), *others]
    run.evaluation_rows = pd.DataFrame(
        [
            (key, "task", name, settings, 0.0, 0.9, 0.1, [0.1, 0.3])
            for name, settings in rows
        ],
        columns=run.evaluation_rows.columns,
    )
    tables = read(run)
    assert list(tables.tested["tested"]) == [
        "dnms", "dnms(defaults)", "dms", "dms(delay_s=2.0)",
    ]  # fmt: skip
    assert list(tables.tested["own"]) == [True, False, False, False]
    worst = tables.networks.set_index("key")["worst_type"]
    assert worst[key] == 0.3 and worst.drop(key).isna().all()


def test_a_network_that_failed_stands_at_its_cap(run):
    networks = run.networks
    networks.loc[0, ["status", "trials_to_criterion"]] = "diverged", 40.0
    networks.loc[1, ["status", "trials_to_criterion"]] = "unconverged", np.nan
    networks.loc[2, ["status", "trials_to_criterion"]] = "converged", 64.0
    networks.loc[3, ["status", "trials_to_criterion"]] = "trained", np.nan
    found = read(run).networks
    assert list(found["failed"][:4]) == [True, True, False, False]
    assert list(found["needed"][:3]) == [2500, 2500, 64]
    assert np.isnan(found["needed"][3])
    assert found["doublings"][2] == 6
    assert list(found["seed"]) == list(networks["index"])


def test_a_measure_that_the_run_was_asked_for_too_stands_once(run):
    plain = read(run).networks
    name = next(iter(measured.of_curves()))
    run.networks[name] = -1.0
    found = read(run).networks
    assert sorted(found.columns) == sorted(plain.columns)
    np.testing.assert_array_equal(found[name], plain[name])


def test_a_configuration_is_what_else_varies_for_this_task(run):
    run.varied = ["task.name", INTO, LEVEL, "rule.name", "task.delay_s"]
    delays = np.where(run.networks["task.name"] == "dnms", 0.5, np.nan)
    run.networks["task.delay_s"] = delays
    tables = read(run)
    assert tables.level_name == LEVEL
    assert tables.configurations == [
        "into=drive, rule=reward_hebbian, delay_s=0.5",
        "into=state, rule=reward_hebbian, delay_s=0.5",
        "into=drive, rule=reward_hebbian",
        "into=state, rule=reward_hebbian",
    ]


def test_pairs_say_by_their_settings_whether_they_are_untrained(run):
    pairs = read(run).pairs
    given = run.comparison_rows.set_index(["key_a", "key_b", "metric", "value"])
    assert len(pairs)
    for row in pairs.itertuples():
        old = json.loads(
            given.loc[(row.key_a, row.key_b, row.metric, row.value)].item()
        )
        assert row.untrained == old.pop("untrained", False)
        assert row.shuffled == old.pop("shuffled", False)
        assert json.loads(row.settings) == old
    facts = run.networks.set_index("key")["condition"]
    same = facts[pairs["key_a"]].to_numpy() == facts[pairs["key_b"]].to_numpy()
    assert list(pairs["same"]) == list(same)


def test_networks_trained_again_are_paired_with_their_first_training_alone():
    rows = [
        ("a0", "dnms", 0.0, 0, 0), ("b0", "dnms", 0.0, 1, 0),
        ("a1", "dnms", 0.0, 0, 1), ("b1", "dnms", 0.0, 1, 1),
        ("a2", "dnms", 0.4, 0, 0), ("x0", "xor", 0.0, 0, 0),
    ]  # fmt: skip
    columns = ["key", "task", "level", "seed", REPLICATE]
    networks = pd.DataFrame(rows, columns=columns).assign(
        configuration="", failed=False
    )
    keys = list(networks["key"])
    every = [(a, b) for i, a in enumerate(keys) for b in keys[i + 1 :]]
    comparisons = pd.DataFrame(every, columns=["key_a", "key_b"]).assign(
        metric="weights", settings="{}", value=0.5
    )
    found = pairs_of(comparisons, networks)
    said = {
        a + b: (same, again)
        for a, b, same, again in found[["key_a", "key_b", "same", "retrained"]].values
    }
    assert said == {
        "a0b0": (True, False), "a0a1": (True, True), "b0b1": (True, True),
        "a0a2": (False, False), "b0a2": (False, False),
    }  # fmt: skip


ABOUT = {"task": "dnms", "level": 0.0, "configuration": "", "seed": 3, "failed": False}


def graded(key, grades, accuracy):
    return pd.DataFrame({"key": key, "grade": grades, "accuracy": accuracy}).assign(
        perturbation="impulses", settings="{}", **ABOUT
    )


def test_a_dose_costs_half_of_what_there_is_to_lose():
    perturbed = pd.concat(
        [
            graded("breaks", [-1.0, 0.0, 2.0, 8.0, 32.0], [0.5, 0.9, 0.9, 0.7, 0.5]),
            graded("bears", [0.0, 2.0, 32.0], [0.9, 0.9, 0.8]),
            graded("guesses", [0.0, 2.0, 32.0], [0.5, 0.5, 0.5]),
        ]
    )
    change = measured.of_trials()
    changed = perturbed[perturbed["grade"] > 0].drop(columns="accuracy")
    changed = changed.assign(**{change: changed["grade"] / 4})
    accuracy = {"breaks": 0.9, "bears": 0.9, "guesses": 0.5}
    found = doses(perturbed, changed, accuracy, {"dnms": 0.5}, SHARED)
    rows = found.set_index("key")
    assert sorted(rows.index) == ["bears", "breaks"]
    assert rows.loc["breaks", "doublings"] == 3 and not rows.loc["breaks", "unbroken"]
    assert rows.loc["breaks", "moved"] == 1 and not rows.loc["breaks", "unmoved"]
    assert rows.loc["bears", "doublings"] == 5 and rows.loc["bears", "unbroken"]
    assert rows.loc["bears", "moved"] == 3 and rows.loc["bears", "unmoved"]
    nowhere = doses(perturbed, changed.iloc[:0], accuracy, {"dnms": 0.5}, SHARED)
    assert nowhere["moved"].isna().all() and not nowhere["unmoved"].any()
    # a network at rest is not moved, whatever was recorded beside it
    at_rest = perturbed[perturbed["grade"] == 0].drop(columns="accuracy")
    also = pd.concat([changed, at_rest.assign(**{change: 5.0})])
    again = doses(perturbed, also, accuracy, {"dnms": 0.5}, SHARED)
    pd.testing.assert_frame_equal(again, found)


def test_contrasts_over_tasks_are_a_slope_and_a_difference_of_versions():
    demand = {"dnms": 20.0, "xor_delayed": 10.0, "xor": 0.0, "go_nogo": 0.0}
    slope = by_demand(demand)
    effect = {task: 0.3 * silence / SILENCE for task, silence in demand.items()}
    assert sum(slope[t] * effect[t] for t in demand) == pytest.approx(0.3)
    assert sum(slope.values()) == pytest.approx(0)
    assert by_version(demand) == {"xor_delayed": 1.0, "xor": -1.0}
    assert by_demand({"xor": 0.0, "go_nogo": 0.0}) == {} == by_version({"xor": 0.0})


def test_drops_are_from_the_accuracy_of_the_same_network(run):
    rows = read(run).perturbed
    own = run.networks.set_index("key")["accuracy"]
    expected = own[rows["key"]].to_numpy() - rows["accuracy"].to_numpy(float)
    np.testing.assert_array_equal(rows["drop"], expected)


def test_which_measures_are_looked_at_depends_on_popnet_alone(monkeypatch):
    before = learning() + dynamics()
    assert len(before) == len(set(before)) == 15
    needs = {name: MEASURES[name].settings.needs for name in MEASURES.own}
    assert {needs[n] for n in measured.of_curves()} == {"curve"}
    assert {needs[n] for n in dynamics()} == {"activity", "weights"}
    more = dict.fromkeys(["mine"], MEASURES[measured.of_change()])
    monkeypatch.setattr(MEASURES, "_session", more)
    for chosen in (measured.of_curves, measured.of_activity, measured.of_change):
        chosen.cache_clear()
    assert "mine" in MEASURES
    assert learning() + dynamics() == before
    assert measured.of_change() != "mine"
