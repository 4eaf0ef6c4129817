"""Stability is the sign of growth in simulation, also where growth is very slow."""

import numpy as np
import torch
from scipy.optimize import brentq

from popnet.analysis.stability import stability
from popnet.core.autonomous import Autonomous
from popnet.kernels.roots import solve

COUNT, UNITS, STEP = 300, 8, 0.1
DEVIATION, GROWN, SHRUNK = 1e-6, 100, 1e-4


def radius(w_NN):
    """The largest modulus of an eigenvalue of one step about x = 0."""
    return np.abs(np.linalg.eigvals((1 - STEP) * np.eye(UNITS) + STEP * w_NN)).max()


def scaled_networks():
    """Random W of rank 2, scaled so that steps about 0 grow 1.0003 to 1.02 times."""
    random = np.random.default_rng(7)
    margin_P = np.exp(random.uniform(np.log(3e-4), np.log(0.02), COUNT))
    w_PNN = np.empty((COUNT, UNITS, UNITS))
    for w_NN, margin in zip(w_PNN, margin_P, strict=True):
        left, right = random.standard_normal((2, UNITS, 2))
        one = left @ right.T / UNITS
        w_NN[:] = one * brentq(
            lambda s, one=one, m=margin: radius(s * one) - 1 - m, 0, 1e4, xtol=1e-13
        )
    one_PN = torch.ones(COUNT, UNITS, dtype=torch.float64)
    return margin_P, Autonomous(
        torch.from_numpy(w_PNN), 0 * one_PN[:, None], one_PN, 0 * one_PN,
        STEP * one_PN, torch.arange(UNITS), torch.zeros(UNITS, dtype=torch.float64),
        "tanh", "current",
    )  # fmt: skip


def simulated(w_FNN, x_FN, steps=60_000):
    """1 where a small random deviation grows 100 times, -1 where it vanishes, else 0.

    The map is written here once more, x + a (-x + W tanh x), without popnet.
    """
    random = np.random.default_rng(8)
    verdict_F = np.zeros(len(x_FN), dtype=int)
    off_FN = random.standard_normal(x_FN.shape)
    y_FN = x_FN + DEVIATION * off_FN / np.linalg.norm(off_FN, axis=1)[:, None]
    left_F = np.arange(len(x_FN))
    for step in range(steps):
        sent_FN = np.tanh(y_FN)[..., None]
        y_FN = y_FN + STEP * (-y_FN + (w_FNN[left_F] @ sent_FN)[..., 0])
        if step % 100:
            continue
        apart_F = np.linalg.norm(y_FN - x_FN[left_F], axis=1) / DEVIATION
        verdict_F[left_F[apart_F > GROWN]] = 1
        verdict_F[left_F[apart_F < SHRUNK]] = -1
        going_F = (apart_F >= SHRUNK) & (apart_F <= GROWN)
        left_F, y_FN = left_F[going_F], y_FN[going_F]
        if not len(left_F):
            break
    return verdict_F


def test_the_sign_of_growth_at_500_points_with_eigenvalues_close_to_1():
    """A test of 100 steps calls saddles with eigenvalues up to 1.015 stable."""
    margin_P, networks = scaled_networks()
    g = torch.Generator().manual_seed(0)
    start = 2 * torch.randn(COUNT, 1, 6, UNITS, generator=g, dtype=torch.float64)
    start[:, :, 0] = 0
    found = solve(networks, start)
    w_FNN, x_FN, at_zero_F = [], [], []
    for p, w_NN in enumerate(networks.w_PUU.numpy()):
        known = []
        for x_N, q in zip(found.x_PLFU[p, 0], found.residual_PLF[p, 0], strict=True):
            x_N = x_N.numpy()
            # twice the same point would count twice
            if q < 1e-24 and all(np.linalg.norm(x_N - y) > 1e-3 for y in known):
                known.append(x_N)
        w_FNN += [w_NN] * len(known)
        x_FN += known
        at_zero_F += [not x.any() for x in known]
    w_FNN, x_FN, at_zero_F = map(np.array, (w_FNN, x_FN, at_zero_F))
    gain_FN = 1 - np.tanh(x_FN) ** 2
    tangent = (1 - STEP) * np.eye(UNITS) + STEP * w_FNN * gain_FN[:, None]
    there = stability(tangent, STEP)
    assert len(x_FN) >= 500 and at_zero_F.sum() == COUNT
    np.testing.assert_allclose(there.margin_F[at_zero_F], margin_P, atol=1e-9)
    weak = (there.margin_F > 0) & (there.margin_F < 0.02)
    assert weak.sum() >= 250 and (there.index_F == 0).sum() >= 100
    # one that neither grows nor shrinks within the run has no sign
    clear = np.abs(there.margin_F) > 2.5e-4
    assert clear.sum() >= 500
    stable_F = simulated(w_FNN[clear], x_FN[clear])
    np.testing.assert_array_equal(stable_F, np.where(there.index_F[clear] == 0, -1, 1))
