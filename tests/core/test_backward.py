"""The hand-written backward pass against autograd and against finite differences."""

import numpy as np
import pytest
import torch

from popnet.core.backward import gradients
from popnet.core.cell import NONLINEARITIES, Cell
from popnet.core.rollout import drive, readout, rollout

CLAMPED = ((1, 0.7), (4, -1.0))
CASES = [
    (name, clamped, unit, form)
    for form in ("current", "rate")
    for name in NONLINEARITIES
    for clamped in ((), CLAMPED)
    for unit in (None, 3)
]
TRAINED = ("w_PNN", "win_PNI", "wout_PON", "bias_PN", "tau_PN")


def losses(params, cell, u, x0, target):
    """Each network's own loss [P], and its gradients by hand."""
    driven = drive(params, u, None)
    activity = rollout(params, cell, driven, x0)
    output = readout(params, cell, activity.r_PBSN[:, :, 1:])
    loss_P, error = (output - target).pow(2).sum((1, 2, 3)), 2 * (output - target)
    return loss_P, gradients(params, cell, activity, u, error, drive_PBTN=driven)


@pytest.fixture
def problem(random_params, normal):
    def make(unit):
        outputs = 0 if unit is not None else 2
        params = random_params(outputs=outputs)
        if not outputs:
            params = params._replace(wout_PON=None)
        target = normal(3, 2, 12, max(outputs, 1))
        return params, normal(3, 2, 12, 2), normal(3, 2, 6), target

    return make


@pytest.mark.parametrize(("name", "clamped", "unit", "form"), CASES)
def test_gradients_are_autograd_s(name, clamped, unit, form, problem):
    params, u, x0, target = problem(unit)
    cell = Cell(0.001, name, clamped, unit, form)
    names = [n for n in TRAINED if getattr(params, n) is not None]
    leaves = {n: getattr(params, n).clone().requires_grad_() for n in names}
    watched = params._replace(**leaves)
    # clamping in place is not for autograd: the same equation with torch.where
    expected = torch.autograd.grad(
        autograd_losses(watched, cell, u, x0, target).sum(), list(leaves.values())
    )
    _, got = losses(params, cell, u, x0, target)
    for leaf, value in zip(names, expected, strict=True):
        scale = float(value.abs().max())
        torch.testing.assert_close(
            getattr(got, leaf), value, rtol=1e-10, atol=1e-10 * scale, msg=leaf
        )
    if unit is not None:
        assert got.wout_PON is None


def autograd_losses(params, cell, u, x0, target):
    """A second plain version of the network, free of in-place steps."""
    phi, _ = NONLINEARITIES[cell.nonlinearity]
    rate_form = cell.form == "rate"

    def bent(v):
        return phi(params.slope_PN[:, None] * (v - params.threshold_PN[:, None]))

    free, held = torch.ones(6, dtype=bool), torch.zeros(6, dtype=torch.float64)
    for unit, value in cell.clamped:
        free[unit], held[unit] = False, value
    x, total = torch.where(free, x0, held), 0
    for t in range(u.shape[2]):
        r = x if rate_form else bent(x)
        arrives = torch.einsum("pij,pbj->pbi", params.w_PNN, r)
        arrives = arrives + torch.einsum("pik,pbk->pbi", params.win_PNI, u[:, :, t])
        arrives = arrives + params.bias_PN[:, None]
        arrives = bent(arrives) if rate_form else arrives
        moved = x + cell.dt_s / params.tau_PN[:, None] * (arrives - x)
        x = torch.where(free, moved, held)
        r = x if rate_form else bent(x)
        if cell.output_unit is None:
            out = torch.einsum("poi,pbi->pbo", params.wout_PON, r)
        else:
            out = r[..., cell.output_unit, None]
        total = total + (out - target[:, :, t]).pow(2).sum((1, 2))
    return total


@pytest.mark.parametrize("form", ["current", "rate"])
@pytest.mark.parametrize(
    ("leaf", "unit"),
    [(leaf, None) for leaf in TRAINED]
    + [(leaf, 3) for leaf in TRAINED if leaf != "wout_PON"],
)
def test_gradients_are_central_differences(leaf, unit, form, problem):
    params, u, x0, target = problem(unit)
    cell = Cell(0.001, "tanh", CLAMPED, unit, form)
    value = getattr(params, leaf)
    got = getattr(losses(params, cell, u, x0, target)[1], leaf)
    expected = torch.zeros_like(value)
    step = 1e-6 * float(value.abs().max())
    for place in np.ndindex(*value.shape[1:]):
        shifted = [value.clone(), value.clone()]
        shifted[0][(slice(None), *place)] += step
        shifted[1][(slice(None), *place)] -= step
        up, down = (
            losses(params._replace(**{leaf: v}), cell, u, x0, target)[0]
            for v in shifted
        )
        expected[(slice(None), *place)] = (up - down) / (2 * step)
    scale = float(expected.abs().max())
    torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-7 * scale)


@pytest.mark.parametrize("form", ["current", "rate"])
def test_clamped_units_have_no_incoming_gradient(form, problem):
    params, u, x0, target = problem(None)
    cell = Cell(0.001, "tanh", CLAMPED, None, form)
    _, got = losses(params, cell, u, x0, target)
    for unit, _ in CLAMPED:
        assert not bool(got.w_PNN[:, unit].any())
        assert not bool(got.tau_PN[:, unit].any())
        assert bool(got.w_PNN[:, :, unit].any()), "outgoing weights do learn"
