"""Networks at constant input against the rollout, automatic derivatives and by hand."""

import numpy as np
import pytest
import torch
from scipy.optimize import brentq, root

from popnet.core.autonomous import (
    advanced,
    autonomous,
    jacobian,
    only,
    tangent_map,
    velocity,
    whole,
)
from popnet.core.cell import NONLINEARITIES, Cell, Params
from popnet.core.rollout import drive, rollout
from popnet.core.roots import solve

EXACT = 1e-16
FORMS = ("current", "rate")


def random_network(
    networks=2,
    units=7,
    form="current",
    name="tanh",
    clamped=(),
    gain=1.2,
    feedback=True,
):
    """Networks in which nothing is at its neutral value."""
    g = torch.Generator().manual_seed(units)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    def uniform(low, high):
        shape = (networks, units)
        return low + (high - low) * torch.rand(*shape, generator=g, dtype=torch.float64)

    fed = 0.3 * normal(networks, units, 1) if feedback else None
    params = Params(
        gain / units**0.5 * normal(networks, units, units), normal(networks, units, 2),
        normal(networks, 1, units) / units**0.5, 0.2 * normal(networks, units),
        uniform(0.01, 0.06), uniform(0.7, 1.3), 0.2 * normal(networks, units), None,
        None, fed,
    )  # fmt: skip
    return params, Cell(0.002, name, clamped, None, form)


def constant(params, seed=0, levels=3):
    g = torch.Generator().manual_seed(seed)
    shape = (len(params.w_PNN), levels, params.win_PNI.shape[2])
    return torch.randn(*shape, generator=g, dtype=torch.float64)


@pytest.mark.parametrize("clamped", [(), ((1, 0.7), (4, -0.4))])
@pytest.mark.parametrize("form", FORMS)
def test_a_step_is_the_step_of_the_rollout(form, clamped):
    params, cell = random_network(form=form, clamped=clamped)
    input_PLI = constant(params)
    networks = autonomous(params, cell, input_PLI)
    g = torch.Generator().manual_seed(5)
    free = len(networks.free_U)
    assert free == 7 - len(clamped)
    x_PLFU = torch.randn(2, 3, 4, free, generator=g, dtype=torch.float64)
    after_PLFU = advanced(networks, x_PLFU)
    for level in range(3):
        steps_PBTI = input_PLI[:, level, None, None].expand(-1, 4, 1, -1)
        driven = drive(params, steps_PBTI, None)
        x0_PBN = whole(networks, x_PLFU[:, level])
        x_PBSN = rollout(params, cell, driven, x0_PBN).x_PBSN
        expected_PBN = whole(networks, after_PLFU[:, level])
        torch.testing.assert_close(x_PBSN[:, :, 1], expected_PBN, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", NONLINEARITIES)
@pytest.mark.parametrize("form", FORMS)
def test_derivatives_are_those_of_autograd(form, name):
    params, cell = random_network(form=form, name=name, clamped=((2, 1.0),))
    networks = only(autonomous(params, cell, constant(params)), 1, 2)
    x_U = torch.linspace(-1.5, 1.7, 6, dtype=torch.float64)
    for function, derivative in ((velocity, jacobian), (advanced, tangent_map)):
        made = torch.func.jacrev(
            lambda x, f=function: f(networks, x[None, None, None])[0, 0, 0]
        )(x_U)
        found = derivative(networks, x_U[None, None, None])[0, 0, 0]
        torch.testing.assert_close(found, made, rtol=1e-12, atol=1e-12)


def planted(w_NN, drive_N=None, name="tanh"):
    """One network with these weights at one input, without bias."""
    w_PNN = torch.as_tensor(np.asarray(w_NN), dtype=torch.float64)[None]
    n = w_PNN.shape[1]
    one = torch.ones(1, n, dtype=torch.float64)
    into = torch.zeros(n) if drive_N is None else torch.as_tensor(np.asarray(drive_N))
    win = into.double()[None, :, None]
    params = Params(w_PNN, win, None, 0 * one, 0.1 * one, one, 0 * one, None, None)
    cell = Cell(0.01, name, (), 0)
    return autonomous(params, cell, torch.ones(1, 1, 1, dtype=torch.float64))


def starts(count, units, scale=4.0, seed=0):
    g = torch.Generator().manual_seed(seed)
    return scale * torch.randn(1, 1, count, units, generator=g, dtype=torch.float64)


def test_two_units_that_excite_each_other_by_hand():
    """x = a tanh(a tanh x) has the roots 0 and +-b of x = a tanh x; none is else."""
    a = 2.0
    b = brentq(lambda x: x - a * np.tanh(x), 0.5, 5)
    networks = planted([[0, a], [a, 0]])
    found = solve(networks, starts(60, 2))
    exact = found.residual_PLF[0, 0] < EXACT
    x_FU = found.x_PLFU[0, 0][exact].numpy()
    expected = np.array([[0, 0], [b, b], [-b, -b]])
    apart = np.linalg.norm(x_FU[:, None] - expected, axis=2)
    assert apart.min(1).max() < 1e-8
    assert set(apart.argmin(1)) == {0, 1, 2}
    at_zero = jacobian(networks, torch.zeros(1, 1, 1, 2, dtype=torch.float64))
    eigenvalues = torch.linalg.eigvals(at_zero[0, 0, 0]).real.sort().values
    np.testing.assert_allclose(eigenvalues, [-1 - a, -1 + a], atol=1e-12)


def test_a_linear_network_has_one_point_from_everywhere():
    """Rectified units that all stay active: x = (I - W)^-1 c."""
    random = np.random.default_rng(1)
    w_NN = random.uniform(0, 1.6 / 12, (12, 12))
    c_N = random.uniform(1, 2, 12)
    found = solve(planted(w_NN, c_N, "relu"), starts(40, 12).abs())
    expected = np.linalg.solve(np.eye(12) - w_NN, c_N)
    assert (found.residual_PLF < EXACT).all()
    np.testing.assert_allclose(
        found.x_PLFU[0, 0], np.tile(expected, (40, 1)), atol=1e-8
    )
    assert found.steps_PLF.max() < 12, "convergence is quadratic"


def test_what_is_no_root_is_reported_with_its_residual():
    """x = 2 + relu(x) has none: q >= 2 wherever the unit is active."""
    found = solve(planted([[1.0]], [2.0], "relu"), starts(9, 1))
    assert (found.residual_PLF >= 2 - 1e-12).all()


def test_each_start_leads_to_a_root_that_scipy_confirms():
    """scipy finds nothing near the point but the point itself, to rounding."""
    params, cell = random_network(units=20, gain=1.3, feedback=False)
    networks = autonomous(params, cell, constant(params, levels=1))
    g = torch.Generator().manual_seed(2)
    start_PLFU = torch.randn(2, 1, 12, 20, generator=g, dtype=torch.float64)
    found = solve(networks, start_PLFU)
    confirmed = 0
    for p in range(2):
        one = only(networks, p, 0)
        for x_U, q in zip(found.x_PLFU[p, 0], found.residual_PLF[p, 0], strict=True):
            if q < EXACT:
                made = root(
                    lambda x, at=one: velocity(
                        at, torch.from_numpy(x)[None, None, None]
                    )[0, 0, 0].numpy(),
                    x_U.numpy(),
                    method="hybr",
                    tol=1e-13,
                )
                assert np.linalg.norm(made.x - x_U.numpy()) < 1e-8
                confirmed += 1
    assert confirmed >= 15


def test_chunks_change_nothing(monkeypatch):
    params, cell = random_network()
    networks = autonomous(params, cell, constant(params))
    g = torch.Generator().manual_seed(2)
    start_PLFU = torch.randn(2, 3, 5, 7, generator=g, dtype=torch.float64)
    once = solve(networks, start_PLFU)
    monkeypatch.setattr("popnet.core.roots.STARTS_DRAWN", 7**2 * 4)
    again = solve(networks, start_PLFU)
    torch.testing.assert_close(once.x_PLFU, again.x_PLFU, rtol=0, atol=1e-9)
    torch.testing.assert_close(
        once.residual_PLF, again.residual_PLF, rtol=0, atol=1e-16
    )
