"""Fixed points of planted networks, and stability against simulation."""

import numpy as np
import pytest
import torch
from scipy.optimize import brentq

from popnet.analysis.stability import stability
from popnet.analysis.topology import topology, topology_distance
from popnet.core.autonomous import Autonomous, advanced, tangent_map
from popnet.dynamics.branches import followed
from popnet.dynamics.connections import Connection, connections, topologies
from popnet.dynamics.points import points
from popnet.kernels.roots import solve

NOTHING = [[0.0]]


def rank_one(gain, units=10):
    """W = gain u u' / N with u of 1 and -1: x = a u with a = gain tanh a."""
    u = np.random.default_rng(1).choice([-1.0, 1.0], units)
    return gain * np.outer(u, u) / units, u


@pytest.mark.parametrize("form", ["current", "rate"])
def test_planted_bistability(plant, states_around, form):
    w_NN, u = rank_one(1.5)
    (found,) = points(*plant(w_NN, form=form), states_around(10), NOTHING)
    assert found.signature == (2, 1) and found.rejected == 0
    assert found.unique_F.sum() == 100
    # x = u tanh(1.5 x'u / N) in the rate form: r = tanh(1.5 r)
    a = brentq(lambda a: a - 1.5 * np.tanh(a), 0.1, 5)
    height = a if form == "current" else np.tanh(a)
    sides = sorted(float(x @ u) / 10 for x in found.x_FN)
    np.testing.assert_allclose(sides, [-height, 0, height], atol=1e-8)
    saddle = found.index_F == 1
    # -1 + 1.5 along u, with dt / tau = 0.1
    assert found.margin_F[saddle] == pytest.approx(0.1 * 0.5)
    assert not found.marginal_F.any() and not found.line_attractor


def test_below_gain_1_there_is_one_and_a_strong_input_leaves_one(plant, states_around):
    w_NN, u = rank_one(0.8)
    (found,) = points(*plant(w_NN), states_around(10), NOTHING)
    assert found.signature == (1,)
    w_NN, u = rank_one(1.5)
    weak, strong = points(*plant(w_NN, u), states_around(10), [[0.02], [2.0]])
    assert weak.signature == (2, 1) and strong.signature == (1,)


def test_a_clamped_unit_is_no_unknown(plant, states_around):
    """It acts as an input: the strong one that leaves one point."""
    w_NN, u = rank_one(1.5)
    whole = np.zeros((11, 11))
    whole[:10, :10], whole[:10, 10] = w_NN, 2 * u / np.tanh(0.7)
    params, cell = plant(whole, clamped=((10, 0.7),))
    (found,) = points(params, cell, states_around(11), NOTHING)
    (as_input,) = points(*plant(w_NN, u), states_around(10), [[2.0]])
    assert found.signature == (1,) and found.eigenvalues_FU.shape == (1, 10)
    assert found.x_FN[0, 10] == 0.7
    np.testing.assert_allclose(found.x_FN[0, :10], as_input.x_FN[0], atol=1e-9)


def test_time_constants_move_no_point_but_decide_stability(plant, states_around):
    """Two units that excite and inhibit: W = [[2, -2], [2, 0]], x = 0.

    tau df/dx has the trace (2 - 1) / tau_1 - 1 / tau_2: a slow second unit makes it
    positive, a fast one negative; the determinant is positive.
    """
    w_NN = [[2.0, -2.0], [2.0, 0.0]]
    index = {}
    for tau_2 in (0.05, 0.2):
        params, cell = plant(w_NN, tau_N=[0.1, tau_2], dt_s=0.001)
        (found,) = points(params, cell, states_around(2), NOTHING)
        at_zero = np.linalg.norm(found.x_FN, axis=1) < 1e-9
        assert at_zero.sum() == 1
        index[tau_2] = int(found.index_F[at_zero][0])
    assert index == {0.05: 0, 0.2: 2}


def test_a_line_of_points_is_told(plant, states_around):
    """W keeps one direction almost as it is: tanh bends, threshold of slow is 1 %."""
    w_NN, _ = rank_one(1.0 + 1e-9)
    params, cell = plant(w_NN)
    (found,) = points(params, cell, states_around(10, size=0.05), NOTHING)
    assert found.line_attractor
    away, _ = rank_one(0.5)
    (found,) = points(*plant(away), states_around(10, size=0.05), NOTHING)
    assert not found.line_attractor


def many(count, units, near):
    """Random networks with unequal time constants; ``near``: eigenvalues near 1."""
    random = np.random.default_rng(3)
    w_PNN = 1.6 / units**0.5 * random.standard_normal((count, units, units))
    step_PN = random.uniform(0.05, 0.3, (count, units))
    if near:
        u_PN = random.choice([-1.0, 1.0], (count, units))
        gain = 1 + random.uniform(0.012, 0.2, count)
        w_PNN = (gain / units)[:, None, None] * u_PN[:, :, None] * u_PN[:, None]
        step_PN = np.full((count, units), 0.1)
    drive = 0.0 if near else 0.1
    one_PN = np.ones((count, units))
    given = (
        w_PNN, drive * random.standard_normal((count, 1, units)), one_PN, 0 * one_PN,
        step_PN,
    )  # fmt: skip
    return Autonomous(
        *(torch.from_numpy(a) for a in given), torch.arange(units),
        torch.zeros(units, dtype=torch.float64), "tanh", "current",
    )  # fmt: skip


@pytest.mark.parametrize("near", [False, True])
def test_stability_is_the_sign_of_growth_in_simulation(near):
    """Of each of 250 points or more, deviations of 1e-6 grow 100 times, or vanish.

    A deviation of any direction first shrinks along the stable ones: it has to become
    10,000 times smaller before it counts as vanished.
    """
    networks = many(150, 6, near)
    g = torch.Generator().manual_seed(0)
    start = 2 * torch.randn(150, 1, 12, 6, generator=g, dtype=torch.float64)
    if near:
        start[:, :, 0] = 0  # the saddle itself
    found = solve(networks, start)
    p, _, f = (found.residual_PLF < 1e-20).nonzero(as_tuple=True)
    at = networks._replace(
        **{k: getattr(networks, k)[p] for k in ("w_PUU", "drive_PLU", "slope_PU")},
        **{k: getattr(networks, k)[p] for k in ("threshold_PU", "step_PU")},
    )
    x_PLFU = found.x_PLFU[p, 0, f][:, None, None]
    tangent = tangent_map(at, x_PLFU)[:, 0, 0].numpy()
    there = stability(tangent, float(networks.step_PU.mean()))
    clear = np.abs(there.margin_F) > 1e-3
    assert clear.sum() >= 250
    if near:
        assert ((there.margin_F > 0) & (there.margin_F < 0.02) & clear).sum() >= 100
    off = torch.randn(*x_PLFU.shape, generator=g, dtype=torch.float64)
    eps = 1e-6
    y = x_PLFU + eps * off / off.norm(dim=-1, keepdim=True)
    verdict = np.zeros(len(p))
    for _ in range(16_000):
        y = advanced(at, y)
        apart = (y - x_PLFU).norm(dim=-1)[:, 0, 0].numpy()
        new = np.where(apart > 100 * eps, 1, np.where(apart < eps / 1e4, -1, 0))
        verdict = np.where(verdict == 0, new, verdict)
        if verdict[clear].all():
            break
    stable = there.index_F == 0
    np.testing.assert_array_equal(verdict[clear] == -1, stable[clear])
    assert verdict[clear].all()


def test_the_saddle_of_a_bistable_network_is_between_its_attractors(
    plant, states_around
):
    w_NN, _ = rank_one(1.5)
    params, cell = plant(w_NN)
    (found,) = points(params, cell, states_around(10), NOTHING)
    ways = connections(params, cell, found, 5.0)
    (saddle,) = np.flatnonzero(found.index_F == 1)
    stable = np.flatnonzero(found.index_F == 0)
    assert ways == tuple(Connection(int(saddle), int(s)) for s in stable)


def test_a_network_with_another_input_has_another_topology(plant, states_around):
    """One point is left: a saddle, an attractor and two ways are missing."""
    w_NN, u = rank_one(1.5)
    params, cell = plant(w_NN, u)
    found = points(params, cell, states_around(10), [[0.0], [2.0]])
    weak, strong = topologies(params, cell, found, 5.0)
    assert weak == topology([0, 0, 1], [(2, 0), (2, 1)])
    assert topology_distance([weak], [strong]) == 4


@pytest.mark.parametrize("form", ["current", "rate"])
def test_an_input_that_removes_two_points_is_found(plant, states_around, form):
    """x = a u with a = w tanh(a) + p turns where w (1 - tanh^2 a) = 1."""
    w_NN, u = rank_one(2.0)
    params, cell = plant(w_NN, u, form=form)
    turn = np.arctanh(np.sqrt(0.5))
    analytic = -turn + 2 * np.tanh(turn)
    (found,) = points(params, cell, states_around(10), [[-1.0]])
    assert found.signature == (1,)
    branch = followed(
        params, cell, found.x_FN[0], np.array([-1.0]), np.array([1.0]), ds=0.1
    )
    assert [b.event for b in branch.bifurcations] == ["saddle-node"] * 2
    at = [-1 + 2 * b.p for b in branch.bifurcations]
    np.testing.assert_allclose(at, [analytic, -analytic], atol=1e-7)
