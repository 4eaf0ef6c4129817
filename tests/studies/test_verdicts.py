"""A verdict can come out either way: the truth is planted, and so is its opposite."""

from collections import Counter

import numpy as np
import pytest
from helpers.planted import LEVELS, MEMORY, SEEDS, evidence, shuffled

from popnet.studies import STUDIES
from popnet.studies.heterogeneity.learning_claims import (
    LEARNING,
    NOT_MONOTONE,
    TASK_DEPENDENCE,
)
from popnet.studies.heterogeneity.profiles import cells, profiles
from popnet.studies.heterogeneity.robustness_claims import (
    BREAK_MEMORY,
    DROPS_NOT_MONOTONE,
    TAU_ACCURACY,
    TAU_DYNAMICS,
    TAU_REDRAWN,
)
from popnet.studies.study import judged

STUDY = STUDIES["heterogeneity"]


@pytest.fixture(scope="module")
def true():
    return judged(STUDY, evidence(true=True))


@pytest.fixture(scope="module")
def false():
    return judged(STUDY, evidence(true=False))


def test_every_claim_holds_where_it_was_planted(true):
    assert Counter(f.verdict for f in true) == {"holds": len(true)}


def test_no_claim_holds_where_its_opposite_was_planted(false):
    came_out = {f.claim: f.verdict for f in false}
    # that nothing depends on the task cannot be shown, only not be seen
    assert came_out.pop("task_dependence") == "undecided"
    assert came_out == dict.fromkeys(came_out, "does not hold")


@pytest.mark.parametrize("true", [True, False])
def test_shuffled_levels_prove_nothing_about_levels(true):
    made = shuffled(evidence(true))
    for claim in (TASK_DEPENDENCE, NOT_MONOTONE, DROPS_NOT_MONOTONE):
        assert claim.judge(made).verdict == "undecided"
    assert LEARNING.judge(made).verdict != "holds"


def test_intervals_hold_the_values_and_count_the_seeds(true):
    for finding in true:
        if not np.isnan(finding.low):
            assert finding.low <= finding.value <= finding.high, finding.claim
        assert finding.n == (6 if "degenerate" in finding.claim else SEEDS)


def test_the_same_evidence_gives_the_same_findings(true):
    assert str(judged(STUDY, evidence(true=True))) == str(true)


def test_numbers_are_those_planted(true, false):
    value = {f.claim: f.value for f in true}
    assert value["tau_dynamics"] == pytest.approx(0.5, rel=0.02)
    assert value["degenerate_weights"] == pytest.approx(1.0, rel=0.02)
    # 0.2 and 0.02, each 1.3 times at the peak: mean of the peak over levels is 0.5167
    factor = 1 + 0.3 * np.mean([1 - abs(level - 0.4) / 0.6 for level in LEVELS])
    assert value["impulses"] == pytest.approx(0.18 * factor, rel=0.03)
    assert {f.claim: f.value for f in false}["degenerate_weights"] < 0.25


def test_networks_that_failed_count_in_learning_and_not_in_robustness():
    made = evidence(true=True)
    failed = (made.networks["seed"] == 0) & (made.networks["level"] > 0)
    failed &= made.networks["task"].isin(MEMORY)
    keys = set(made.networks.loc[failed, "key"])
    networks = made.networks.assign(
        failed=failed,
        doublings=made.networks["doublings"].mask(failed, 100.0),
    )
    perturbed = made.perturbed.assign(failed=made.perturbed["key"].isin(keys))
    perturbed["drop"] = perturbed["drop"].mask(perturbed["failed"], 100.0)
    other = made._replace(networks=networks, perturbed=perturbed)
    before, after = LEARNING.judge(made), LEARNING.judge(other)
    assert after.effect.high > before.effect.high + 1
    for claim in (*BREAK_MEMORY, TAU_ACCURACY, TAU_DYNAMICS, TAU_REDRAWN):
        before, after = claim.judge(made), claim.judge(other)
        assert after.effect.value == pytest.approx(before.effect.value, abs=0.01)


def test_cells_are_ordered_by_level_whatever_the_rows_order():
    networks = evidence().networks
    mixed = networks.sample(frac=1, random_state=3)
    plain, other = cells(networks, "speed"), cells(mixed, "speed")
    assert plain.keys() == other.keys()
    for name, values_SL in plain.items():
        assert np.array_equal(values_SL, other[name])
        one = networks[
            (networks["task"] == name[0])
            & (networks["configuration"] == name[1])
            & (networks["seed"] == 3)
        ].sort_values("level")
        assert np.array_equal(values_SL[3], one["speed"])


def test_profiles_do_not_see_the_unit_of_a_task():
    networks = evidence().networks
    scale = np.where(networks["task"] == "dnms", 1000.0, 1.0)
    other = networks.assign(speed=networks["speed"] * scale)
    assert np.allclose(profiles(networks, "speed"), profiles(other, "speed"))


def test_too_few_seeds_or_levels_leave_claims_undecided():
    made = evidence()
    few = made._replace(
        networks=made.networks[made.networks["seed"] < 2],
        perturbed=made.perturbed[made.perturbed["seed"] < 2],
    )
    for claim in (TASK_DEPENDENCE, NOT_MONOTONE, DROPS_NOT_MONOTONE):
        assert claim.judge(few).verdict == "undecided"
