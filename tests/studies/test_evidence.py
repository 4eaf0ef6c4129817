"""Numbers per seed to verdicts: bounds on both sides, parts, corrections, power."""

import numpy as np
import pytest

from popnet.analysis.intervals import mean_interval
from popnet.studies.evidence import (
    FALSE,
    NULL,
    TRUE,
    AllOf,
    AnyOf,
    Draws,
    Not,
    Shown,
    Unless,
    above,
    below,
    within,
)
from popnet.studies.level_evidence import Bounded
from popnet.studies.power import power
from popnet.studies.verdicts import shares, verdicts

SMALLEST = 0.2
LEVEL = 0.95


def around(mean, error):
    """Twelve numbers with this mean, and this standard error of it."""
    spread = np.array([-1.0, -0.6, -0.3, 0.3, 0.6, 1.0] * 2)
    spread *= error * np.sqrt(12) / spread.std(ddof=1)
    return mean + spread


def outcome(evidence):
    """The verdict of a claim that stands alone."""
    return verdicts([evidence.shown()])[0][0]


@pytest.mark.parametrize(
    ("mean", "error", "is_above", "is_below", "is_within"),
    [
        (0.5, 0.05, "holds", "does not hold", "does not hold"),
        (0.3, 0.05, "holds", "does not hold", "undecided"),
        (0.0, 0.05, "does not hold", "does not hold", "holds"),  # shown to be small
        (0.0, 0.2, "undecided", "undecided", "undecided"),
        (-0.5, 0.05, "does not hold", "holds", "does not hold"),
        (0.05, 0.01, "does not hold", "does not hold", "holds"),  # above 0, too small
        (0.15, 0.05, "undecided", "does not hold", "undecided"),  # above 0, how large?
    ],
)
def test_an_effect_is_held_against_none_and_the_smallest_of_interest(
    mean, error, is_above, is_below, is_within
):
    values = around(mean, error)
    assert outcome(above(values, SMALLEST)) == is_above
    assert outcome(below(values, -SMALLEST)) == is_below
    assert outcome(within(values, SMALLEST)) == is_within
    assert outcome(within(-values, SMALLEST)) == is_within


def test_an_effect_of_a_size_is_held_against_that_size_on_both_sides():
    for mean, verdict in ((0.5, "holds"), (0.1, "does not hold"), (0.25, "undecided")):
        part = above(around(mean, 0.03), SMALLEST, none=SMALLEST)
        assert outcome(part) == verdict
        assert part.effect == mean_interval(part.values_S)


def test_p_values_are_the_levels_of_the_intervals_that_decide():
    values = around(0.5, 0.05)
    p = above(values, SMALLEST).shown().true
    assert mean_interval(values, 1 - float(p)).low == pytest.approx(0, abs=1e-9)
    p = within(around(0.0, 0.05), SMALLEST).shown().true
    assert mean_interval(around(0.0, 0.05), 1 - float(p)).high == pytest.approx(0.2)


@pytest.mark.parametrize("values", [[], [0.5, 0.6], [0.5] * 12, [np.nan] * 12])
def test_too_few_or_equal_numbers_decide_nothing(values):
    for part in (above(values, 0.1), below(values, 0.1), within(values, 0.1)):
        assert part.shown() == (1, 1)
        assert outcome(part) == "undecided"
    assert AllOf(()).shown() == AnyOf(()).shown() == (1, 1)


def test_a_claim_of_parts_needs_all_and_falls_with_one():
    yes, no, open_ = (
        above(around(mean, error), SMALLEST)
        for mean, error in ((0.5, 0.05), (0.0, 0.02), (0.1, 0.2))
    )
    assert outcome(AllOf((yes, yes))) == "holds"
    assert outcome(AllOf((yes, open_))) == "undecided"
    assert outcome(AllOf((yes, open_, no))) == "does not hold"
    assert outcome(AnyOf((no, open_, yes))) == "holds"
    assert outcome(AnyOf((no, open_))) == "undecided"
    assert outcome(AnyOf((no, no))) == "does not hold"
    assert outcome(Not(yes)) == "does not hold"


def test_one_part_of_several_is_corrected_for_their_number():
    part = above(around(0.0, 0.02), SMALLEST)
    false, true = part.shown().false, part.shown().true
    assert AllOf((part,) * 4).shown() == (true, pytest.approx(4 * false))
    assert AnyOf((Not(part),) * 4).shown() == (pytest.approx(4 * false), true)


def test_a_whole_falls_with_a_single_case_that_is_shown_against_it():
    part = above(around(0.5, 0.05), SMALLEST)
    assert outcome(Unless(part, against=1.0)) == "holds"
    assert outcome(Unless(part, against=0.2)) == "holds"
    assert outcome(Unless(part, against=0.04)) == "undecided"  # one of two: 2 p
    assert outcome(Unless(part, against=0.02)) == "does not hold"
    no = above(around(0.0, 0.02), SMALLEST)
    assert Unless(no, 1.0).shown().false == pytest.approx(2 * no.shown().false)


def test_a_bound_shows_one_side_alone():
    yes, no = above(around(0.5, 0.05), SMALLEST), above(around(0, 0.02), SMALLEST)
    lower, upper = {"can_hold": True, "can_fail": False}, {"can_hold": False}
    assert outcome(Bounded(yes, **lower)) == "holds"
    assert outcome(Bounded(no, **lower)) == "undecided"
    assert outcome(Bounded(yes, can_fail=True, **upper)) == "undecided"
    assert outcome(Bounded(no, can_fail=True, **upper)) == "does not hold"


def test_verdicts_of_a_page_are_corrected_for_their_number():
    def shown(true, false=1.0):
        return Shown(np.array(true), np.array(false))

    assert verdicts([shown(0.04)])[0] == ("holds", 0.04)
    page = verdicts([shown(0.04), shown(1.0, 0.02), shown(0.012)])
    # Holm: the clearest times 3, the next times 2, and none below one before it
    assert [p for _, p in page] == pytest.approx([0.04, 0.04, 0.036])
    assert [v for v, _ in page] == ["holds", "does not hold", "holds"]
    page = verdicts([shown(0.04), shown(1.0, 0.03), shown(0.02)])
    assert {verdict for verdict, _ in page} == {"undecided"}


def drawn_alone(seed, n, truth):
    """A claim, and 14 more of which nothing is known."""
    values = truth + np.random.default_rng(seed).standard_normal(n)
    nothing = Shown(np.array(1.0), np.array(1.0))
    return verdicts([above(values, 1.0).shown(), *[nothing] * 14])[0][0]


@pytest.mark.parametrize("n", [12, 24])
def test_false_verdicts_are_rare_at_either_bound(n):
    for truth, wrong in ((0.0, "holds"), (1.0, "does not hold")):
        found = [drawn_alone(seed, n, truth) for seed in range(1500)]
        assert found.count(wrong) <= 8  # 0.05 / 15, on one of two sides: 2.5 expected


def test_power_is_that_of_fresh_data():
    values = np.random.default_rng(8).standard_normal(24) * 1.2
    values = (values - values.mean()) / values.std(ddof=1)
    found = power(above(values, 0.5), 15, 2000)
    fresh = {"true": 1.0, "false": -1.0, "null": 0.0}
    assert found is not None and list(found) == list(fresh)
    for name, mean in fresh.items():
        draws = mean + np.random.default_rng(9).standard_normal((4000, 24))
        expected = shares(above_all(draws, 0.5), 15)
        assert sum(found[name].values()) == pytest.approx(1)
        for verdict, share in expected.items():
            assert found[name][verdict] == pytest.approx(share, abs=0.08)


def above_all(values_DS, smallest):
    return above([0.0], smallest)._replace(values_S=values_DS).shown()


def test_power_is_of_as_many_claims_and_grows_with_seeds():
    values = around(0.0, 0.15)
    one, many = (power(above(values, 0.2), n)["true"]["holds"] for n in (1, 50))
    assert one > many + 0.05
    more = power(above(np.tile(values, 3), 0.2), 50)["true"]["holds"]
    assert more > many + 0.2
    assert power(AllOf(()), 3) is None


def test_the_same_evidence_has_the_same_power():
    part = within(around(0.1, 0.1), 0.2)
    assert power(part, 3) == power(part, 3)


@pytest.mark.parametrize("join", [AllOf, AnyOf])
def test_what_is_planted_in_parts_is_true_of_the_whole(join):
    parts = tuple(above(around(0.0, 0.01), 0.2) for _ in range(4))
    random = np.random.default_rng(0)
    draws = Draws(random.random((300, 12)), random)
    for truth, verdict in ((TRUE, "holds"), (FALSE, "does not hold")):
        made = join(parts).planted(np.full(300, truth), draws)
        assert shares(made.shown(), 1)[verdict] == 1
        means = np.array([part.values_S.mean(axis=1) for part in made.parts])
        alone = truth == (TRUE if join is AnyOf else FALSE)
        # 0.4 is planted for true, -0.4 for false
        count = np.sum(np.sign(means) == truth, axis=0)
        assert (count == (1 if alone else 4)).all()
    made = join(parts).planted(np.full(300, NULL), draws)
    assert np.abs([part.values_S.mean(axis=1) for part in made.parts]).max() < 0.1
