"""Effect sizes without bias, and corrections by hand."""

import numpy as np
import pytest

from popnet.analysis.inference import (
    corrected,
    false_discovery,
    mean_interval,
    paired_difference,
    standardised_difference,
)

S = 12
NAN = float("nan")


def rng(seed=0):
    return np.random.default_rng(seed)


def test_pairs_are_differences_of_seeds():
    seed_S = 10 * rng(3).standard_normal(S)
    a, b = seed_S + 1, seed_S + 0.1 * rng(4).standard_normal(S)
    found = paired_difference(a, b)
    assert found == mean_interval(a - b)
    assert found.high - found.low < 0.3
    lost = np.append(a, NAN), np.append(b, 1.0)
    assert paired_difference(*lost) == found


def test_the_standardised_difference_is_hedges():
    a, b = rng(5).standard_normal(S), rng(6).standard_normal(S)
    d = np.mean(a - b) / np.std(a - b, ddof=1)
    found = standardised_difference(a, b)
    # the usual approximation of the correction, good to three figures
    assert found == pytest.approx(d * (1 - 3 / (4 * (S - 1) - 1)), rel=1e-3)
    assert standardised_difference(7 * a, 7 * b) == pytest.approx(found)


def test_the_standardised_difference_is_unbiased_for_few_seeds():
    found = [
        standardised_difference(0.8 + rng(seed).standard_normal(5), np.zeros(5))
        for seed in range(300)
    ]
    assert np.mean(found) == pytest.approx(0.8, abs=2.5 * np.std(found) / 300**0.5)


def test_the_standardised_difference_without_spread():
    assert standardised_difference([0.3] * S, [0.3] * S) == 0
    for seeds in (S, 7, 13):  # of 0.1 too, whose sum is rounded
        assert standardised_difference([0.1] * seeds, [0.0] * seeds) == np.inf
    assert np.isnan(standardised_difference([1, 2], [3, 5]))


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
