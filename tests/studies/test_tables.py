"""The tables of a study against rows that are written out."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers.made_up_study import INTO, LEVEL, MadeUpStudy

from popnet.measures import MEASURES
from popnet.studies.heterogeneity import measured
from popnet.studies.heterogeneity.tables import dynamics, learning, read


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
        assert json.loads(row.settings) == old
    facts = run.networks.set_index("key")["condition"]
    same = facts[pairs["key_a"]].to_numpy() == facts[pairs["key_b"]].to_numpy()
    assert list(pairs["same"]) == list(same)


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
