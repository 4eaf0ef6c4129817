"""Intervals that cover, effect sizes without bias, and corrections by hand."""

import numpy as np
import pytest
from scipy import stats

from popnet.analysis.inference import (
    bootstrap_mean,
    bootstrap_of,
    corrected,
    false_discovery,
    paired_difference,
    standardised_difference,
)

S = 12
NAN = float("nan")


def rng(seed=0):
    return np.random.default_rng(seed)


def difference(a, b, axis):
    return a.mean(axis) - b.mean(axis)


def test_the_interval_of_a_mean_is_near_that_of_student():
    values = rng(1).standard_normal(200) + 3
    found = bootstrap_mean(values, rng())
    low, high = stats.t.interval(0.95, 199, values.mean(), stats.sem(values))
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)
    assert found.n == 200
    assert found == bootstrap_mean(values, rng())  # one seed, one page
    assert found != bootstrap_mean(values, rng(1))


def test_intervals_of_skewed_values_lean_to_the_long_tail():
    values = rng(2).exponential(size=20)
    found = bootstrap_mean(values, rng())
    assert found.high - found.value > 1.2 * (found.value - found.low)


def test_intervals_cover_the_truth():
    covered = [
        found.low <= 0 <= found.high
        for seed in range(300)
        for found in [
            bootstrap_of(
                np.mean, rng(seed + 1).standard_normal(S), random=rng(seed), draws=300
            )
        ]
    ]
    # short of 0.95 with 12 networks, as is known of the bootstrap
    assert 0.86 < np.mean(covered) < 0.98


def test_pairs_are_resampled_as_pairs():
    seed_S = 10 * rng(3).standard_normal(S)
    a, b = seed_S + 1, seed_S + 0.1 * rng(4).standard_normal(S)
    paired = bootstrap_of(difference, a, b, random=rng(), paired=True)
    apart = bootstrap_of(difference, a, b, random=rng())
    assert paired.high - paired.low < 0.2 < 5 < apart.high - apart.low
    assert (paired.n, apart.n) == (S, 2 * S)
    assert paired.value == apart.value
    assert paired_difference(a, b, rng())[:3] == pytest.approx(paired[:3], abs=0.02)


def test_values_that_are_not_finite_are_left_out_and_counted():
    a, b = np.array([1.0, 2, NAN, 4, 7]), np.array([0.0, np.inf, 1, 2, 3])
    found = paired_difference(a, b, rng())
    assert (found.value, found.n) == (pytest.approx(7 / 3), 3)
    assert bootstrap_mean(a, rng()) == bootstrap_mean([1.0, 2, 4, 7], rng())
    both = bootstrap_of(difference, a, b, random=rng(), paired=True)
    assert (both.value, both.n) == (pytest.approx(7 / 3), 3)
    apart = bootstrap_of(difference, a, b, random=rng())
    assert (apart.value, apart.n) == (pytest.approx(3.5 - 1.5), 8)


def test_degenerate_values_have_intervals_of_no_width_or_none():
    assert bootstrap_mean([0.1] * S, rng())[:3] == pytest.approx([0.1] * 3)
    assert bootstrap_of(np.median, [1.0] * 11 + [2], random=rng())[:3] == (1, 1, 1)
    # the median of a draw from 7 zeros and 3 ones is 1 with probability 0.047
    assert bootstrap_of(np.median, [0.0] * 7 + [1] * 3, random=rng())[:3] == (0, 0, 1)
    assert np.isnan(bootstrap_mean([3.0], rng())[1:3]).all()
    assert bootstrap_mean([3.0], rng()).value == 3
    assert np.isnan(bootstrap_mean([NAN], rng())[:3]).all()


def test_the_standardised_difference_is_hedges():
    a, b = rng(5).standard_normal(S), rng(6).standard_normal(S)
    d = np.mean(a - b) / np.std(a - b, ddof=1)
    found = standardised_difference(a, b, rng())
    # the usual approximation of the correction, good to three figures
    assert found.value == pytest.approx(d * (1 - 3 / (4 * (S - 1) - 1)), rel=1e-3)
    assert found.low < found.value < found.high
    scaled = standardised_difference(7 * a, 7 * b, rng())
    assert scaled[:3] == pytest.approx(found[:3])


def test_the_standardised_difference_is_unbiased_for_few_seeds():
    found = [
        standardised_difference(
            0.8 + rng(seed).standard_normal(5), np.zeros(5), rng()
        ).value
        for seed in range(300)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=2.5 * np.std(found) / 300**0.5)


def test_the_standardised_difference_without_spread():
    assert standardised_difference([0.3] * S, [0.3] * S, rng())[:3] == (0, 0, 0)
    for seeds in (S, 7, 13):  # of 0.1 too, whose sum is rounded
        found = standardised_difference([0.1] * seeds, [0.0] * seeds, rng())
        assert found[:3] == (np.inf,) * 3
    one = standardised_difference([1.0] + [0.0] * (S - 1), [0.0] * S, rng())
    assert one.low == 0 < one.value < one.high
    assert np.isnan(standardised_difference([1, 2], [3, 5], rng()).value)


def test_holm_by_hand():
    found = corrected([0.01, 0.04, NAN, 0.03, 0.005, 0.9])
    expected = [4 * 0.01, 0.09, NAN, 3 * 0.03, 5 * 0.005, 0.9]
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(corrected([0.6, 0.7]), [1, 1])
    assert corrected([]).size == 0


def test_false_discoveries_by_hand():
    found = false_discovery([0.01, 0.04, NAN, 0.02, 0.9])
    expected = [0.04, 4 / 3 * 0.04, NAN, 0.04, 0.9]
    np.testing.assert_allclose(found, expected)
    assert np.isnan(false_discovery([NAN])).all()
