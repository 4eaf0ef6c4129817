"""Slow modes of networks whose modes are known."""

import numpy as np
import pytest
from scipy.linalg import eig

from popnet.analysis.slow_modes import linear_modes, slow_modes, step_map

DT_S = 0.01


def test_the_map_is_the_derivative_of_a_step():
    random = np.random.default_rng(1)
    w = random.normal(size=(9, 9)) / 3
    tau, x = random.uniform(0.02, 0.1, 9), random.normal(size=9)

    def step(x):
        return x + DT_S / tau * (-x + w @ np.tanh(x))

    a = step_map(w, 1 - np.tanh(x) ** 2, tau, DT_S)
    h = 1e-6
    numeric = [(step(x + h * e) - step(x - h * e)) / (2 * h) for e in np.eye(9)]
    assert np.allclose(a, np.array(numeric).T, atol=1e-8)


def test_a_line_attractor_driven_and_read_along_chosen_directions():
    random = np.random.default_rng(2)
    v, u = random.normal(size=(2, 12))
    v, u = v / np.linalg.norm(v), u / np.linalg.norm(u)
    # A = v u' scaled so that u' v maps to 0.98: one slow mode, all others end at once
    a = 0.98 * np.outer(v, u) / (u @ v)
    orthogonal = random.normal(size=12)
    orthogonal -= (orthogonal @ v) * v
    found = slow_modes(a, u[:, None] * 3, v[None], DT_S, 1)
    assert found.eigenvalue_M == pytest.approx([0.98])
    assert found.time_constant_M == pytest.approx([-DT_S / np.log(0.98)])
    assert found.input_overlap_M == pytest.approx([1.0])
    assert found.readout_overlap_M == pytest.approx([1.0])
    other = slow_modes(a, v[:, None], orthogonal[None], DT_S, 1)
    assert other.input_overlap_M == pytest.approx([abs(u @ v)])  # not of r_k
    assert other.readout_overlap_M == pytest.approx([0.0], abs=1e-12)


def test_a_rotation_that_hardly_decays_is_slow():
    c, s = 0.99 * np.cos(1.0), 0.99 * np.sin(1.0)
    a = np.diag([0.0, 0.0, 0.5, 0.9])
    a[:2, :2] = [[c, -s], [s, c]]
    found = slow_modes(a, np.eye(4)[:, :1], np.eye(4)[3:], DT_S, 3)
    assert np.abs(found.eigenvalue_M) == pytest.approx([0.99, 0.99, 0.9])
    # each member of the pair is half along the first unit
    assert found.input_overlap_M == pytest.approx([0.5**0.5, 0.5**0.5, 0])
    assert found.readout_overlap_M == pytest.approx([0, 0, 1])


def test_overlaps_are_those_of_scipys_left_and_right_eigenvectors():
    random = np.random.default_rng(3)
    a, inputs, readout = (random.normal(size=s) for s in ((8, 8), (8, 2), (3, 8)))
    value, left, right = eig(a, left=True, right=True)
    order = np.argsort(-np.abs(value), kind="stable")[:4]
    found = slow_modes(a, inputs, readout, DT_S, 4)
    for vectors, span, mine in (
        (left, inputs, found.input_overlap_M),
        (right, readout.T, found.readout_overlap_M),
    ):
        projector = span @ np.linalg.pinv(span)
        own = [np.linalg.norm(projector @ v) for v in vectors[:, order].T]
        assert np.allclose(np.sort(mine), np.sort(own))
    # a random direction lies in a span of I of N directions with I / N of its square
    many = [
        slow_modes(
            random.normal(size=(20, 20)), np.eye(20)[:, :5], np.eye(20)[:2], 1, 20
        )
        for _ in range(30)
    ]
    assert np.mean([m.input_overlap_M**2 for m in many]) == pytest.approx(
        0.25, abs=0.02
    )


@pytest.mark.parametrize("seed", range(5))
def test_left_eigenvectors_beside_the_right_ones_are_scipys(seed):
    """scipy's l_k: l_k^H A = a_k l_k^H, of length 1; ours have l_k r_k = 1."""
    random = np.random.default_rng(seed)
    a = 0.3 * random.normal(size=(9, 9))
    found = linear_modes(a, DT_S)
    value, left, right = eig(a, left=True, right=True)
    assert np.abs(found.left_NN @ found.right_NN - np.eye(9)).max() < 1e-10
    modulus = np.abs(found.eigenvalue_N)
    assert (np.diff(modulus) <= 0).all()
    assert np.allclose(found.time_constant_N, -DT_S / np.log(modulus))
    for k, own in enumerate(found.eigenvalue_N):
        at = np.abs(value - own).argmin()
        assert value[at] == pytest.approx(own)
        assert abs(found.right_NN[:, k].conj() @ right[:, at]) == pytest.approx(1)
        theirs = left[:, at].conj() / (left[:, at].conj() @ found.right_NN[:, k])
        assert np.allclose(found.left_NN[k], theirs)
    whole = found.right_NN @ np.diag(found.eigenvalue_N) @ found.left_NN
    assert np.allclose(whole, a)
