"""Intervals of a mean cover it: of skewed values, many zeros, ranks, pairs of seeds."""

import numpy as np
import pytest
from scipy import stats

from popnet.analysis.intervals import excluded_at, jackknifed, mean_interval

NAN = float("nan")
RANKS = (-1.0, 1.0)


def rng(seed=0):
    return np.random.default_rng(seed)


SHAPES = {
    "normal": (lambda size: rng(1).standard_normal(size), 0.0),
    "uniform": (lambda size: rng(2).random(size), 0.5),
    "exponential": (lambda size: rng(3).exponential(size=size), 1.0),
    "lognormal": (lambda size: rng(4).lognormal(0, 1, size), np.exp(0.5)),
    "its mirror": (lambda size: -rng(5).lognormal(0, 1, size), -np.exp(0.5)),
    "many zeros": (
        lambda size: rng(6).uniform(0, 0.3, size) * (rng(7).random(size) < 0.2),
        0.03,
    ),
}


@pytest.mark.parametrize("n", [5, 6, 12, 20, 24])
@pytest.mark.parametrize("shape", SHAPES)
def test_no_interval_of_95_percent_covers_less_than_094(shape, n):
    draw, truth = SHAPES[shape]
    values = draw((20_000, n))
    # no verdict is based on a sample of nearly equal values
    judged = np.sum(values != np.median(values, axis=1)[:, None], axis=1) >= 3
    p = excluded_at(values, truth)
    assert (p[~judged] == 1).all()
    covered = np.mean(p[judged] >= 0.05)
    # three standard errors of 20,000 samples, fewer where they have no interval
    assert covered >= 0.94 - 3 * np.sqrt(0.94 * 0.06 / judged.sum())


def test_an_interval_of_evenly_spread_values_is_students():
    values = np.array([-2.0, -1, 0, 1, 2]) + 3
    found = mean_interval(values, 0.9)
    low, high = stats.t.interval(0.9, 4, 3, stats.sem(values))
    assert found == pytest.approx((3, low, high, 5))


def test_an_interval_leans_to_the_longer_tail_alone():
    values = rng(2).exponential(size=20)
    found, down = mean_interval(values), mean_interval(-values)
    low, _ = stats.t.interval(0.95, 19, values.mean(), stats.sem(values))
    assert found.low == pytest.approx(low)
    n, t = 20, stats.t.ppf(0.975, 19)
    g = stats.skew(values, bias=False)
    more = (1.6 + 500 / n**2) * g * (1 + 2 * t**2) / (6 * np.sqrt(n))
    high = found.value + stats.sem(values) * (t + more)
    assert found.high == pytest.approx(high)
    assert (down.low, down.high) == pytest.approx((-found.high, -found.low))


@pytest.mark.parametrize("limits", [None, RANKS])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.9999])
def test_the_interval_ends_where_the_p_value_says(level, limits):
    values = np.clip(rng(3).standard_normal(14) * 0.4 + 0.3, -1, 1)
    found = mean_interval(values, level, limits)
    for end in (found.low, found.high):
        assert excluded_at(values, end, limits) == pytest.approx(1 - level)


def test_many_samples_are_judged_as_one_by_one():
    values = rng(4).lognormal(size=(3, 2, 9))
    bound = np.array([[0.5, 1.0], [1.5, 2.0], [2.5, 30.0]])
    found = excluded_at(values, bound)
    for i, j in np.ndindex(3, 2):
        assert found[i, j] == excluded_at(values[i, j], bound[i, j])


def test_values_that_are_not_finite_are_left_out_and_counted():
    values = [1.0, 2, NAN, 4, 7, np.inf, 9]
    assert mean_interval(values) == mean_interval([1.0, 2, 4, 7, 9])
    assert mean_interval(values).n == 5
    assert np.isnan(mean_interval([NAN])[:3]).all()


@pytest.mark.parametrize("values", [[0.1] * 12, [0.0] * 10 + [0.2, 0.3], [1.0, 2.0]])
def test_nearly_equal_values_have_a_mean_and_no_interval(values):
    found = mean_interval(values)
    assert found.value == pytest.approx(np.mean(values))
    assert np.isnan(found[1:3]).all()
    assert excluded_at(values, 100.0) == 1


def test_equal_ranks_have_the_interval_of_a_share():
    # Clopper & Pearson: 12 of 12, so the share is above (alpha / 2)^(1 / 12)
    low = 2 * stats.binomtest(12, 12).proportion_ci(0.95).low - 1
    assert mean_interval([1.0] * 12, limits=RANKS)[:3] == pytest.approx((1, low, 1))
    # all of n seeds on one side: the exact sign test
    assert excluded_at([1.0] * 12, 0.0, RANKS) == pytest.approx(2 * 0.5**12)
    assert excluded_at([1.0] * 12, 1.0, RANKS) == 1


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("n", [12, 24])
def test_intervals_of_signs_cover(n, share):
    values = np.where(rng(n).random((4000, n)) < share, 1.0, -1.0)
    covered = np.mean(excluded_at(values, 2 * share - 1, RANKS) >= 0.05)
    assert covered >= 0.93


def test_pseudo_values_of_a_mean_are_the_values():
    values = rng(5).standard_normal(7)
    without = [np.delete(values, i).mean() for i in range(7)]
    np.testing.assert_allclose(jackknifed(values.mean(), without), values)


@pytest.mark.parametrize("n", [5, 6, 12])
def test_intervals_over_pairs_of_seeds_cover(n):
    # a pair's value is what its two seeds bring to it: pairs are not independent
    own = 0.1 * rng(n).standard_normal((2000, n))
    pairs = own[:, :, None] + own[:, None, :] + 0.5
    off = ~np.eye(n, dtype=bool)
    whole = pairs[:, off].mean(axis=1)
    without = np.stack(
        [
            np.delete(np.delete(pairs, i, 1), i, 2)[:, ~np.eye(n - 1, dtype=bool)].mean(
                1
            )
            for i in range(n)
        ],
        axis=1,
    )
    covered = np.mean(excluded_at(jackknifed(whole, without), 0.5) >= 0.05)
    assert covered >= 0.94
    # as if every pair were a unit: far too narrow
    upper = pairs[:, np.triu(off)]
    assert np.mean(excluded_at(upper, 0.5) >= 0.05) < 0.9
