"""A verdict can come out each way: the truth, its opposite and nothing are planted."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers.planted import MEMORY, SEEDS, TRUTHS, evidence, shuffled

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
    JITTER_IS_WORST,
    ON_ONE_SCALE,
    TAU_ACCURACY,
    TAU_DYNAMICS,
    TAU_REDRAWN,
)
from popnet.studies.heterogeneity.solution_claims import DEGENERATE, TRANSFER
from popnet.studies.heterogeneity.tables import SHARED
from popnet.studies.power import power
from popnet.studies.study import judged
from popnet.studies.verdicts import verdicts

STUDY = STUDIES["heterogeneity"]
EFFECTS = (LEARNING, TASK_DEPENDENCE, *BREAK_MEMORY, JITTER_IS_WORST, TRANSFER)
"""Claims of an effect: nothing, where it is shown, denies them."""


def found(truth, seeds=SEEDS):
    """The findings by claim, without the table of power."""
    findings = judged(STUDY, evidence(truth, seeds=seeds), experiments=0)
    return {finding.claim: finding for finding in findings}


@pytest.fixture(scope="module")
def true():
    return found("true")


@pytest.fixture(scope="module")
def false():
    return found("false")


def verdicts_of(findings):
    return {claim: finding.verdict for claim, finding in findings.items()}


def test_every_claim_holds_where_it_was_planted(true):
    assert verdicts_of(true) == dict.fromkeys(true, "holds")


def test_every_claim_fails_where_its_opposite_was_planted(false):
    assert verdicts_of(false) == dict.fromkeys(false, "does not hold")


def test_where_nothing_has_an_effect_claims_of_one_fail_and_of_none_hold():
    came_out = verdicts_of(found("null"))
    effects = {claim.name for claim in EFFECTS}
    # exactly as large as the smallest of interest
    sizes = {"tau_dynamics", *(claim.name for claim in DEGENERATE)}
    for claim, verdict in came_out.items():
        expected = "does not hold" if claim in effects else "holds"
        assert verdict == ("undecided" if claim in sizes else expected), claim


@pytest.mark.slow
@pytest.mark.parametrize("truth", TRUTHS)
def test_with_half_of_the_seeds_no_verdict_is_turned_round(truth, true, false):
    known = {"true": verdicts_of(true), "false": verdicts_of(false)}
    few = verdicts_of(found(truth, seeds=12))
    turned = {"holds": "does not hold", "does not hold": "holds"}
    for claim, verdict in known.get(truth, {}).items():
        assert few[claim] != turned[verdict], claim
    if truth == "null":
        assert all(few[claim.name] != "holds" for claim in EFFECTS)


@pytest.mark.parametrize("claim", STUDY.claims, ids=lambda claim: claim.name)
def test_at_the_studys_own_n_every_verdict_comes_out(claim):
    judgement = claim.judge(evidence(), claim.smallest)
    came_out = power(judgement.evidence, len(STUDY.claims), experiments=120)
    assert came_out["true"]["holds"] > 0.8
    assert came_out["false"]["does not hold"] > 0.6
    for truth, wrong in (("true", "does not hold"), ("false", "holds")):
        assert came_out[truth][wrong] <= 0.01
    # where the claim is that there is none, or at least a size, nothing is exact
    undecided = came_out["null"]["undecided"] + came_out["null"]["does not hold"]
    assert undecided > 0.95


def test_noise_leaves_claims_undecided():
    made = evidence(noise=20.0, seeds=6)
    assert outcome(LEARNING, made) == "undecided"


def outcome(claim, tables):
    """The verdict on a claim that stands alone."""
    return verdicts([claim.judge(tables, claim.smallest).evidence.shown()])[0][0]


@pytest.mark.parametrize("truth", ["true", "false"])
def test_shuffled_levels_prove_nothing_about_levels(truth):
    made = shuffled(evidence(truth))
    assert outcome(TASK_DEPENDENCE, made) != "holds"
    assert outcome(LEARNING, made) != "holds"
    for claim in (NOT_MONOTONE, DROPS_NOT_MONOTONE):
        assert outcome(claim, made) != "does not hold"


def test_intervals_hold_the_values_and_count_the_seeds(true):
    for finding in true.values():
        if not np.isnan(finding.low):
            assert finding.low <= finding.value <= finding.high, finding.claim
        assert finding.n == (6 if "degenerate" in finding.claim else SEEDS)
        assert finding.smallest


def test_the_same_evidence_gives_the_same_findings(true):
    assert str(found("true")) == str(true)


def test_numbers_are_those_planted(true, false):
    assert true["tau_dynamics"].value == pytest.approx(0.5, rel=0.02)
    assert true["degenerate_weights"].value == pytest.approx(1.0, rel=0.02)
    assert true["degenerate_changes"].value == pytest.approx(1.0, rel=0.02)
    # memory tasks bear a quarter of the dose
    assert true["impulses"].value == pytest.approx(2.0, rel=0.03)
    assert false["impulses"].value == pytest.approx(-2.0, rel=0.03)
    assert true["jitter_is_worst"].value == pytest.approx(1.0, rel=0.05)
    assert false["degenerate_weights"].value == pytest.approx(0.2, abs=0.03)


def test_networks_that_failed_count_in_learning_and_not_in_robustness():
    made = evidence()
    failed = (made.networks["seed"] == 0) & (made.networks["level"] > 0)
    failed &= made.networks["task"].isin(MEMORY)
    keys = set(made.networks.loc[failed, "key"])
    networks = made.networks.assign(
        failed=failed,
        doublings=made.networks["doublings"].mask(failed, 6.0),
    )
    perturbed = made.perturbed.assign(failed=made.perturbed["key"].isin(keys))
    perturbed["drop"] = perturbed["drop"].mask(perturbed["failed"], 100.0)
    doses = made.doses.assign(failed=made.doses["key"].isin(keys))
    doses["doublings"] = doses["doublings"].mask(doses["failed"], -50.0)
    other = made._replace(networks=networks, perturbed=perturbed, doses=doses)
    before, after = (LEARNING.judge(t, 0.25) for t in (made, other))
    assert after.effect.high > before.effect.high + 0.1
    assert f"{len(keys)} networks failed" in after.note
    for claim in (*BREAK_MEMORY, TAU_ACCURACY, TAU_DYNAMICS, TAU_REDRAWN):
        before, after = (claim.judge(t, claim.smallest) for t in (made, other))
        assert after.effect.value == pytest.approx(before.effect.value, abs=0.01)


@pytest.mark.parametrize(
    ("memory", "verdict"), [(1.0, "holds"), (3.9, "does not hold")]
)
def test_tasks_that_no_grade_breaks_stand_at_the_top_grade(memory, verdict):
    # graded alike, up to a limit: the dose up to there is known, not censored
    made = evidence()
    spared = ~made.doses["task"].isin(MEMORY)
    doubled = made.doses["doublings"].mask(spared, 4.0).mask(~spared, memory)
    noise = np.random.default_rng(3).normal(0, 0.1, len(doubled))
    doses = made.doses.assign(unbroken=spared, doublings=doubled + noise)
    for claim in BREAK_MEMORY:
        judged = claim.judge(made._replace(doses=doses), claim.smallest)
        assert judged.effect.value == pytest.approx(4.0 - memory, abs=0.05)
        assert verdicts([judged.evidence.shown()])[0][0] == verdict


def worst(moved, unbroken=()):
    """Tables of one task at one level, with these doses as log2 change of activity."""
    made = evidence()
    shared = made.networks.query("task == 'dnms' and level == 0").drop_duplicates(
        "seed"
    )
    parts = [
        shared[SHARED].assign(
            perturbation=kind, settings="{}", doublings=0.0, unbroken=kind in unbroken,
            moved=values[shared["seed"]], unmoved=kind in unbroken,
        )
        for kind, values in moved.items()
    ]  # fmt: skip
    return made._replace(doses=pd.concat(parts))


def test_jitter_is_worst_only_where_it_is_worse_than_each_other():
    random = np.random.default_rng(5)
    moved = {kind: 0.1 * random.normal(size=SEEDS) for kind in ON_ONE_SCALE}
    moved["synaptic_jitter"] = moved["synaptic_jitter"] - 2
    assert outcome(JITTER_IS_WORST, worst(moved)) == "holds"
    # better on average, but not known to be better than each
    rival = -2 + 3 * random.normal(size=SEEDS)
    mixed = moved | {"impulses": rival}
    assert outcome(JITTER_IS_WORST, worst(mixed)) == "undecided"
    worse = -3 + 0.1 * random.normal(size=SEEDS)
    more = moved | {"impulses": worse}
    assert outcome(JITTER_IS_WORST, worst(more)) == "does not hold"


def test_a_perturbation_that_breaks_nothing_at_its_limit_does_less_harm():
    random = np.random.default_rng(6)
    moved = {kind: 0.1 * random.normal(size=SEEDS) for kind in ON_ONE_SCALE}
    moved["synaptic_jitter"] = moved["synaptic_jitter"] - 2
    # however little it moves the activity there
    nearer = moved | {"impulses": -4 + 0.1 * random.normal(size=SEEDS)}
    assert outcome(JITTER_IS_WORST, worst(nearer)) == "does not hold"
    assert outcome(JITTER_IS_WORST, worst(nearer, ["impulses"])) == "holds"
    # and jitter that breaks nothing is not the worst
    still = worst(moved, ["synaptic_jitter"])
    assert outcome(JITTER_IS_WORST, still) == "does not hold"
    assert outcome(JITTER_IS_WORST, worst(moved, ON_ONE_SCALE)) == "does not hold"


def test_networks_that_learned_nothing_are_not_degenerate():
    made = evidence()
    random = np.random.default_rng(7)
    guessing = made.networks.assign(
        accuracy=0.5 + 0.02 * random.normal(size=len(made.networks))
    )
    learned = made._replace(networks=guessing)
    pairs = made.pairs.copy()
    for claim in DEGENERATE:
        assert outcome(claim, made) == "holds"
        assert outcome(claim, learned) == "does not hold"
    # where training noise alone moves a network as far as another seed lies
    pairs.loc[pairs["retrained"], "value"] = 0.95
    pairs.loc[~pairs["shuffled"] & ~pairs["untrained"], "value"] = 0.95
    for claim in DEGENERATE:
        assert outcome(claim, made._replace(pairs=pairs)) != "holds"


def test_time_constants_drawn_anew_at_the_own_level_are_left_out():
    made = evidence()
    given = [json.loads(text).get("spread") for text in made.perturbed["settings"]]
    own = np.array(given, float) == made.perturbed["level"]
    assert own.any()
    other = made.perturbed.assign(drop=made.perturbed["drop"].mask(own, 0.9))
    before, after = (
        TAU_REDRAWN.judge(t, 0.05) for t in (made, made._replace(perturbed=other))
    )
    assert before.effect == after.effect


def test_cells_are_ordered_by_level_whatever_the_rows_order():
    networks = evidence().networks
    mixed = networks.sample(frac=1, random_state=3)
    plain, other = cells(networks, "speed"), cells(mixed, "speed")
    assert plain.keys() == other.keys()
    for name, values in plain.items():
        assert values.equals(other[name])
        one = networks[
            (networks["task"] == name[0])
            & (networks["configuration"] == name[1])
            & (networks["seed"] == 3)
        ].sort_values("level")
        assert np.array_equal(values.loc[3], one["speed"])


def test_profiles_do_not_see_the_unit_of_a_metric():
    networks = evidence().networks
    other = networks.assign(speed=networks["speed"] * 1000.0)
    before, after = (profiles(n, "speed").values_TSL for n in (networks, other))
    assert np.allclose(before, after)
    noise = profiles(
        networks.assign(speed=np.random.default_rng(0).normal(size=len(networks))),
        "speed",
    ).values_TSL
    # two configurations of deviation 1
    assert np.std(noise - noise.mean(axis=1, keepdims=True)) == pytest.approx(1, 0.05)


def test_too_few_seeds_or_levels_leave_claims_undecided():
    made = evidence()
    few = made._replace(
        networks=made.networks[made.networks["seed"] < 2],
        perturbed=made.perturbed[made.perturbed["seed"] < 2],
    )
    for claim in (TASK_DEPENDENCE, NOT_MONOTONE, DROPS_NOT_MONOTONE):
        assert outcome(claim, few) == "undecided"
