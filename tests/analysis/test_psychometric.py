"""Psychometric curves: known curves come back, scikit-learn, planted decisions."""

import numpy as np
import pytest
from scipy.special import expit

from popnet.analysis.psychometric import psychometric_curve

LEVELS = np.array([-0.4, -0.2, -0.1, -0.05, 0.05, 0.1, 0.2, 0.4])
SLOPE, BIAS, LAPSE = 14.0, 0.04, 0.03


def shares(slope=SLOPE, bias=BIAS, lapse=LAPSE):
    return lapse + (1 - 2 * lapse) * expit(slope * (LEVELS + bias))


def decisions(seed, per_level):
    evidence = np.tile(LEVELS, per_level)
    drawn = np.random.default_rng(seed).random(len(evidence))
    return evidence, (drawn < np.tile(shares(), per_level)).astype(float)


@pytest.mark.parametrize("bias", [-0.1, 0.0, BIAS])
@pytest.mark.parametrize("lapse", [0.0, LAPSE, 0.2])
def test_exact_shares_give_the_curve_that_made_them(bias, lapse):
    """The likelihood of shares of a curve is largest at that curve (Gibbs)."""
    found = psychometric_curve(LEVELS, shares(SLOPE, bias, lapse))
    expected = [SLOPE, bias, lapse]
    assert [found.slope, found.bias, found.lapse] == pytest.approx(expected, abs=0.02)
    assert found.at(LEVELS) == pytest.approx(shares(SLOPE, bias, lapse), abs=1e-4)


def test_two_levels_by_hand():
    # log odds ln 4 at 1 and -ln 9 at -1: k their half difference, k b their mean
    found = psychometric_curve([-1, 1], [0.1, 0.8], lapses=False)
    k, c = (np.log(4) + np.log(9)) / 2, (np.log(4) - np.log(9)) / 2
    assert [found.slope, found.bias] == pytest.approx([k, c / k], rel=1e-4)
    assert found.lapse == 0
    assert found.loss == pytest.approx(
        -np.mean([0.1 * np.log(0.1) + 0.9 * np.log(0.9),
                  0.8 * np.log(0.8) + 0.2 * np.log(0.2)])
    )  # fmt: skip


def test_without_lapses_it_is_logistic_regression():
    linear_model = pytest.importorskip("sklearn.linear_model")
    evidence, plus = decisions(1, 40)
    theirs = linear_model.LogisticRegression(C=1e9, tol=1e-10, max_iter=5000)
    theirs.fit(evidence[:, None], plus)
    ours = psychometric_curve(evidence, plus, lapses=False)
    k, c = float(theirs.coef_[0, 0]), float(theirs.intercept_[0])
    assert [ours.slope, ours.bias] == pytest.approx([k, c / k], rel=1e-3)
    assert psychometric_curve(evidence, plus).loss <= ours.loss


def test_drawn_decisions_give_the_curve_within_their_errors():
    """20 experiments: means within 4 standard errors and a small known bias."""
    found = np.array([psychometric_curve(*decisions(s, 100))[:3] for s in range(20)])
    error = found.std(0) / np.sqrt(20)
    room = 4 * error + [0.5, 0.002, 0.003]
    assert (np.abs(found.mean(0) - [SLOPE, BIAS, LAPSE]) < room).all()


def test_the_unit_of_evidence_is_that_of_the_curve():
    one = psychometric_curve(LEVELS, shares())
    other = psychometric_curve(1000 * LEVELS, shares())
    assert other.slope == pytest.approx(one.slope / 1000, rel=1e-4)
    assert other.bias == pytest.approx(one.bias * 1000, rel=1e-4)


@pytest.mark.parametrize(
    ("evidence", "plus"),
    [
        (LEVELS, LEVELS > 0),  # a step: any steeper curve is better
        (LEVELS, LEVELS < 0),  # and the wrong way round
        (LEVELS, np.full(8, 0.5)),  # no rise, no bias
        ([0.1, 0.1], [0, 1]),
        (LEVELS, np.where(LEVELS > 0.3, np.nan, 1.0)),
        ([], []),
    ],
)
def test_what_has_no_curve_is_nan(evidence, plus):
    assert np.isnan(psychometric_curve(evidence, plus)).all()
