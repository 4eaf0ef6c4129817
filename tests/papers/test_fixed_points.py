"""The search for fixed points, on networks whose fixed points are known."""

import numpy as np
import pytest
from fixed_points import fixed_points
from scipy.optimize import brentq


def rank_one(gain, units=12):
    u = np.random.default_rng(1).choice([-1.0, 1.0], units)
    return gain * np.outer(u, u) / units, u


@pytest.mark.parametrize(("gain", "expected"), [(0.8, [0]), (1.5, [0, 0, 1])])
def test_a_rank_one_network_bifurcates_at_gain_1(gain, expected):
    """x = a u with a = gain tanh(a): one solution below 1, three above."""
    w_NN, u = rank_one(gain)
    points, index = fixed_points(w_NN, np.zeros(12))
    assert sorted(index) == expected
    a = brentq(lambda a: a - gain * np.tanh(a), 0.1, 5) if gain > 1 else 0.0
    heights = sorted(float(p @ u) / 12 for p in points)
    wanted = [-a, 0.0, a] if gain > 1 else [0.0]
    np.testing.assert_allclose(heights, wanted, atol=1e-6)


def test_a_strong_input_leaves_one():
    w_NN, u = rank_one(1.5)
    _, index = fixed_points(w_NN, 2.0 * u)
    assert index == [0]
