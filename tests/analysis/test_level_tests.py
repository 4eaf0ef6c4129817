"""Tests over levels keep their level under the null and find what is there."""

import itertools
from functools import cache

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import isotonic_regression

from popnet.analysis.level_tests import (
    draws_needed,
    jonckheere,
    monotone_departure,
    rank_correlations,
    trend,
)

S, L = 12, 6
NAN = float("nan")
RISING = np.arange(L)
INVERTED_U = np.array([0, 0.8, 1.6, 1.6, 0.8, 0])


def rng(seed=0):
    return np.random.default_rng(seed)


def noise(seed, *shape):
    """Normal, with a share that all levels of a seed have in common."""
    random = rng(seed)
    return random.standard_normal(shape) + random.standard_normal((*shape[:-1], 1))


@cache
def departures(truth, seeds=200):
    """p under a truth, of many experiments."""
    return np.array(
        [
            monotone_departure(
                np.array(truth) + noise(seed, S, L), rng(seed), draws=200
            ).p
            for seed in range(seeds)
        ]
    )


def test_trends_are_antisymmetric_and_ignore_the_scale_of_a_seed():
    values = 0.3 * RISING + noise(7, S, L)
    found, back = trend(values), trend(values[:, ::-1], predicted="decreasing")
    assert found.value > 0.2 > 0.01 > found.p
    assert back == (pytest.approx(-found.value), *map(pytest.approx, found[1:]))
    against = trend(values, predicted="decreasing")
    assert against.p == found.p
    assert against.p_predicted == pytest.approx(1 - found.p / 2)
    assert found.p_predicted == pytest.approx(found.p / 2)
    assert trend(values * np.exp(noise(8, S, 1))) == found


def test_a_trend_is_students_test_of_the_seeds_own_correlations():
    values = np.round(noise(7, S, L))  # with ties
    spearman = [stats.spearmanr(RISING, row).statistic for row in values]
    found = trend(values)
    assert found.value == pytest.approx(np.mean(spearman))
    assert found.p == pytest.approx(stats.ttest_1samp(spearman, 0).pvalue)
    np.testing.assert_allclose(rank_correlations(values), spearman)


def test_a_rise_in_every_seed_is_judged_by_their_number():
    # exactly: each of the signs of 12 seeds is as likely
    assert trend(np.tile(RISING, (S, 1)))[:2] == (1, pytest.approx(2 * 0.5**S))


@pytest.mark.parametrize(
    "null",
    [
        lambda random: random.standard_normal((S, L)),
        # levels share draws: each seed drifts one way or the other
        lambda random: np.cumsum(random.standard_normal((S, L)), axis=1),
        lambda random: np.outer(random.standard_normal(S), RISING),
    ],
    ids=["independent", "drifting", "a slope of its own for each seed"],
)
def test_levels_that_share_draws_raise_no_false_alarm(null):
    random = rng(12)
    p = np.array([trend(null(random)).p for _ in range(1000)])
    rejected = int(np.sum(p <= 0.05))
    assert stats.binomtest(rejected, 1000, 0.05, "greater").pvalue > 0.01
    assert rejected > 20


def test_a_trend_in_ties_alone_is_none():
    assert trend(np.ones((S, L)))[:2] == (0, 1)
    assert np.isnan(rank_correlations(np.ones((S, L)))).all()
    assert jonckheere([[1, 1], [1, 1, 1]]) == (0, 1, 0.5, 5)


def test_too_few_levels_or_seeds_have_no_trend():
    lost = np.vstack([noise(0, 2, L), [NAN] * L])
    assert trend(lost) == trend(lost[:2])
    for few in (lost[1:], lost[:, :2]):
        assert np.isnan(trend(few)[:3]).all()
    assert np.isnan(jonckheere([[1, 1], [NAN]]).p)
    assert np.isnan(jonckheere([[1.0], [2.0]]).p)  # no law of two values is known


def test_jonckheere_on_a_published_example():
    # motivation and knowledge of performance: J = 79 of mean 54, J* = 2.04 with ties
    # Hollander & Wolfe, Nonparametric Statistical Methods (1999), example 6.2
    groups = (
        [40, 35, 38, 43, 44, 41],
        [38, 40, 47, 44, 40, 42],
        [48, 40, 45, 43, 46, 44],
    )
    found = jonckheere(groups)
    assert found.p_predicted == pytest.approx(0.0207, abs=1e-4)
    assert found.p == pytest.approx(2 * found.p_predicted)
    assert jonckheere(groups[::-1], "decreasing")[1:] == found[1:]
    assert jonckheere(groups[::-1]).p_predicted == pytest.approx(1 - found.p_predicted)


def test_jonckheere_against_all_permutations():
    groups = [1.0, 2, 2], [2, 5, 3], [4, 3]

    def j(values):
        a, b, c = values[:3], values[3:6], values[6:]
        return sum(
            (y > x) + (y == x) / 2
            for low, high in [(a, b), (a, c), (b, c)]
            for x in low
            for y in high
        )

    values = list(itertools.chain(*groups))
    every = np.array([j(v) for v in itertools.permutations(values)])
    z = (j(values) - every.mean()) / every.std()
    assert jonckheere([*groups, [NAN]]).p_predicted == pytest.approx(stats.norm.sf(z))
    assert jonckheere(groups).n == 8


def slow_departure(values):
    """u with scipy's isotonic regression."""
    means = values.mean(axis=0)
    off = min(
        np.sum((means - isotonic_regression(means, increasing=up).x) ** 2)
        for up in (True, False)
    )
    own = values - means - values.mean(axis=1, keepdims=True) + means.mean()
    return off * len(values) * (own.size - sum(own.shape) + 1) / np.sum(own**2)


@pytest.mark.parametrize("seed", range(5))
def test_the_departure_against_a_slow_form(seed):
    values = noise(seed, S, L)
    found = monotone_departure(values, rng(), draws=99)
    assert found.statistic == pytest.approx(slow_departure(values))
    scaled = monotone_departure(3 * values + 5, rng(), draws=99)
    assert scaled.statistic == pytest.approx(found.statistic)


FLAT, STEP = (0,) * L, (0, 3, 3, 3, 3, 3)


@pytest.mark.parametrize("truth", [FLAT, STEP, (0, -0.1, -0.2, -0.3, -0.4, -0.5)])
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_monotone_truths_are_not_rejected_more_often_than_alpha(truth, alpha):
    rejected = np.sum(departures(truth) <= alpha)
    assert stats.binomtest(int(rejected), 200, alpha, "greater").pvalue > 0.01


def test_the_level_of_the_test_is_not_wasted_under_a_flat_truth():
    assert np.mean(departures(FLAT) <= 0.2) > 0.1


def test_an_inverted_u_is_found():
    assert np.mean(departures(tuple(INVERTED_U), 60) <= 0.05) > 0.8


def test_the_departure_is_the_same_from_either_end_and_upside_down():
    values = INVERTED_U + noise(9, S, L)
    found = monotone_departure(values, rng(1))
    back = monotone_departure(values[:, ::-1], rng(1))
    assert back == (pytest.approx(found.statistic), found.p, "peak", S)
    down = monotone_departure(-values, rng(1))
    assert down == (pytest.approx(found.statistic), found.p, "valley", S)


def test_shapes_and_data_without_noise():
    def found(levels):
        return monotone_departure(np.tile(levels, (S, 1)), rng(), draws=99)

    assert found([0.1, 0.2, 0.2]) == (0, 1, "increasing", S)
    assert found([0.3, 0.2, 0.1]) == (0, 1, "decreasing", S)
    assert found([0.1, 0.1, 0.1]) == (0, 1, "flat", S)
    assert found([0.1, 0.3, 0.2]) == (np.inf, 0.01, "peak", S)
    assert found([0.3, 0.1, 0.2]) == (np.inf, 0.01, "valley", S)
    lost = np.vstack([noise(0, S, L), [NAN] * L])
    assert monotone_departure(lost, rng()) == monotone_departure(lost[:-1], rng())
    for few in (lost[:1], lost[:, :2]):
        assert np.isnan(monotone_departure(few, rng()).p)


@pytest.mark.parametrize("tests", [1, 120, 1800])
def test_a_clear_departure_is_significant_among_as_many_tests_as_there_are(tests):
    values = 100 * INVERTED_U + noise(0, S, L)
    found = monotone_departure(values, rng(), tests=tests)
    assert found.p * tests <= 0.005 + 1e-9
    assert draws_needed(120) == 24_000


def test_draws_that_can_show_nothing_are_refused():
    values = 100 * INVERTED_U + noise(0, S, L)
    assert monotone_departure(values, rng(), tests=100, draws=2000).p < 0.001
    with pytest.raises(ValueError, match=r"2000 draws: .* 120 tests .*; draw 24000\."):
        monotone_departure(values, rng(), tests=120, draws=2000)


def test_drawing_ends_early_where_nothing_departs():
    flat = noise(1, S, L)
    found = monotone_departure(flat, rng(3), draws=10_000_000)
    assert found.p == pytest.approx(
        monotone_departure(flat, rng(4), draws=20_000).p, abs=0.15
    )
