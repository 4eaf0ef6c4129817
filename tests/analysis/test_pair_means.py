"""The mean over pairs: its interval is that of networks, not of pairs."""

from itertools import combinations

import numpy as np
import pytest

from popnet.analysis.intervals import jackknifed, mean_interval
from popnet.analysis.pair_means import pair_mean


def plain(a, b, values):
    """The same, network by network, with the pairs dropped one network at a time."""
    a, b, values = np.array(a), np.array(b), np.array(values)
    names = sorted({*a, *b})
    without = [values[(a != n) & (b != n)].mean() for n in names]
    found = mean_interval(jackknifed(values.mean(), without))
    return values.mean(), found.low, found.high, len(names)


@pytest.mark.parametrize("crossed", [False, True])
def test_it_is_the_jackknife_written_out(crossed):
    rng = np.random.default_rng(0)
    names = [f"n{i}" for i in range(7)]
    pairs = list(combinations(names, 2))
    pairs = [(a, b) for a, b in pairs if (a < "n3") != (b < "n3")] if crossed else pairs
    a, b = zip(*pairs, strict=True)
    values = rng.exponential(size=len(pairs))
    np.testing.assert_allclose(pair_mean(a, b, values), plain(a, b, values), rtol=1e-12)


def test_pairs_without_a_value_are_left_out_and_too_few_have_no_interval():
    found = pair_mean(["a", "a", "b"], ["b", "c", "c"], [1.0, np.nan, np.inf])
    assert found.value == 1.0 and np.isnan(found.low) and found.n == 2
    assert np.isnan(pair_mean(["a"], ["b"], [np.nan]).value)
    assert pair_mean([], [], []).n == 0


def test_it_covers_the_mean_of_pairs_that_share_networks():
    """d = |x_a - x_b| of normal x: its mean is 2 / sqrt(pi)."""
    rng, truth, n = np.random.default_rng(1), 2 / np.sqrt(np.pi), 12
    a, b = np.array(list(combinations(range(n), 2))).T
    covered = 0
    for _ in range(400):
        x = rng.standard_normal(n)
        found = pair_mean(a, b, abs(x[a] - x[b]))
        covered += found.low <= truth <= found.high
    assert covered / 400 > 0.92
