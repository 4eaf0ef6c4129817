"""Bifurcations whose parameter is known in closed form."""

import numpy as np
import pytest
from scipy.optimize import brentq

from popnet.analysis.continuation import Problem, follow

A = 0.1
"""dt / tau."""


def network(w_NN, c_N, d_N):
    """x' = -x + W tanh(x) + c + p d, with the map of its Euler steps."""
    one_NN = np.eye(len(w_NN))

    def by_x(x, _p):
        return w_NN * (1 - np.tanh(x) ** 2) - one_NN

    return Problem(
        lambda x, p: -x + w_NN @ np.tanh(x) + c_N + p * d_N,
        by_x,
        lambda _x, _p: d_N,
        lambda x, p: one_NN + A * by_x(x, p),
    )


def test_saddle_nodes_of_one_unit_are_at_the_analytic_input():
    """x = w tanh x + u turns where w (1 - tanh^2 x) = 1."""
    w = 2.0
    problem = network(np.array([[w]]), np.zeros(1), np.ones(1))
    x = brentq(lambda x: -x + w * np.tanh(x) - 1, -6, -1)
    branch = follow(problem, np.array([x]), -1.0, 0.05, 400, -1.2, 1.5)
    turn = np.arctanh(np.sqrt(1 - 1 / w))
    u = -turn + w * np.tanh(turn)
    assert [b.event for b in branch.bifurcations] == ["saddle-node"] * 2
    found = [b.p for b in branch.bifurcations]
    np.testing.assert_allclose(found, [u, -u], atol=1e-8)
    assert branch.p_K[-1] > 1.4, "followed around both turns"
    between = np.abs(branch.x_KN[:, 0]) < turn - 0.1
    assert (branch.index_K[between] == 1).all() and (
        branch.index_K[~between] <= 1
    ).all()
    assert (branch.index_K[np.abs(branch.x_KN[:, 0]) > turn + 0.1] == 0).all()


def test_a_hopf_point_is_at_the_analytic_input():
    """W = g [[1, -k], [k, 1]] at x = (s, s): |1 + A (-1 + g y (1 + ik))| = 1.

    y = 1 - tanh^2 s.  The input's direction is the one that has (s, s) at p = 1.
    """
    g, k = 2.5, 1.0
    w_NN = g * np.array([[1, -k], [k, 1]])
    y = brentq(
        lambda y: abs(1 + A * (-1 + g * y * (1 + 1j * k))) - 1, 0.05, 0.9, xtol=1e-15
    )
    s_N = np.full(2, np.arctanh(np.sqrt(1 - y)))
    d_N = s_N - w_NN @ np.tanh(s_N)
    problem = network(w_NN, np.zeros(2), d_N)
    branch = follow(problem, s_N, 1.0, 0.02, 40, 0.0, 3.0)
    backwards = follow(problem, s_N, 1.0, -0.02, 40, 0.0, 3.0)
    start = branch.x_KN[-1], float(branch.p_K[-1])
    again = follow(problem, *start, np.sign(1 - start[1]) * 0.02, 80, 0.0, 4.0)
    hopf = [b for b in again.bifurcations if b.event == "hopf"]
    assert len(hopf) == 1
    assert hopf[0].p == pytest.approx(1, abs=1e-7)
    np.testing.assert_allclose(hopf[0].x_N, s_N, atol=1e-7)
    assert {int(branch.index_K[-1]), int(backwards.index_K[-1])} == {0, 2}


def test_a_symmetric_unit_has_a_branch_point_at_gain_1():
    """x = p tanh x loses stability at p = 1 while the branch goes straight on."""
    problem = Problem(
        lambda x, p: -x + p * np.tanh(x),
        lambda x, p: np.array([[p * (1 - np.tanh(x[0]) ** 2) - 1]]),
        lambda x, _p: np.tanh(x),
        lambda x, p: np.array([[1 + A * (p * (1 - np.tanh(x[0]) ** 2) - 1)]]),
    )
    branch = follow(problem, np.zeros(1), 0.503, 0.05, 20, 0.0, 1.4)
    assert [b.event for b in branch.bifurcations] == ["branch point"]
    assert branch.bifurcations[0].p == pytest.approx(1, abs=1e-8)
