"""How far two activities differ: closed forms, symmetries, another package."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import procrustes

from popnet.analysis.activity import procrustes_distance

T = 1000
WHOLE_TURNS = 2 * np.pi * 5 * np.arange(T) / T
CIRCLE = np.stack([np.cos(WHOLE_TURNS), np.sin(WHOLE_TURNS)], axis=1)[None]


def cloud(seed, shape=(2, 40, 5)):
    return np.random.default_rng(seed).standard_normal(shape)


def rotation(seed, units):
    return np.linalg.qr(cloud(seed, (units, units)))[0]


def test_procrustes_is_blind_to_rotation_shift_and_scale_alone():
    r = cloud(0)
    same = 2.5 * r[..., ::-1] @ rotation(2, 5) - 3
    assert procrustes_distance(r, same) == pytest.approx(0, abs=1e-7)
    assert procrustes_distance(r, r[:, ::-1]) > 0.3
    stretched = procrustes_distance(r, r * [1, 1, 1, 1, 3])
    assert stretched > 0.1
    orthogonal = procrustes_distance(CIRCLE[..., :1], CIRCLE[..., 1:])
    assert orthogonal == pytest.approx(np.pi / 2)


def test_procrustes_of_networks_of_two_sizes_adds_silent_units():
    small, large = cloud(0, (2, 40, 3)), cloud(1)
    silent = np.concatenate([small, np.zeros((2, 40, 2))], axis=2)
    found = procrustes_distance(small, large)
    assert found == pytest.approx(procrustes_distance(silent, large))
    assert np.isnan(procrustes_distance(small[:, 1:], large))


@given(*[st.integers(0, 10**6)] * 3)
@settings(max_examples=30, deadline=None)
def test_procrustes_is_a_metric_and_agrees_with_scipy(one, two, three):
    a, b, c = (cloud(seed, (2, 6, 3)) for seed in (one, two, three))
    ab, bc, ac = (procrustes_distance(*x) for x in [(a, b), (b, c), (a, c)])
    assert ab == pytest.approx(procrustes_distance(b, a), abs=1e-7)
    assert ac <= ab + bc + 1e-7
    disparity = procrustes(a.reshape(12, 3), b.reshape(12, 3))[2]
    assert np.sin(ab) ** 2 == pytest.approx(disparity, abs=1e-9)


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_a_rate_that_is_not_finite_and_no_variance_give_nan(lost):
    rates = cloud(0)
    assert np.isnan(procrustes_distance(rates, np.full((2, 40, 5), 0.1)))
    broken = rates.copy()
    broken[0, 3, 1] = lost
    assert np.isnan(procrustes_distance(rates, broken))
    assert np.isnan(procrustes_distance(broken, broken))
