"""A network as a torch module: same outputs, same gradients, saved and loaded."""

import pytest
import torch

from popnet.core.backward import gradients
from popnet.core.cell import Cell, pick
from popnet.core.module import RateNetwork
from popnet.core.rollout import drive, outputs, readout, rollout

FIRST = torch.tensor([0])


@pytest.mark.parametrize("form", ["current", "rate"])
@pytest.mark.parametrize("unit", [None, 3])
def test_module_is_the_network(unit, form, random_params, normal):
    params = pick(random_params(outputs=2), FIRST)
    cell = Cell(0.001, "tanh", ((1, 1.0),), unit, form)
    module, u, x0 = RateNetwork(params, cell), normal(4, 20, 2), normal(4, 6)
    out, r = module(u, x0)
    driven = drive(params, u[None], None)
    expected = outputs(params, cell, driven, x0[None])[0]
    torch.testing.assert_close(out, expected, rtol=1e-12, atol=1e-12)
    held = params.slope_PN[0, 1].mul(1 - params.threshold_PN[0, 1]).tanh()
    held = torch.ones_like(held) if form == "rate" else held
    torch.testing.assert_close(r[..., 1], held.expand(4, 20))
    at_rest, _ = module(u)
    zero = outputs(params, cell, driven, torch.zeros_like(x0)[None])[0]
    torch.testing.assert_close(at_rest, zero, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("form", ["current", "rate"])
def test_module_has_the_gradients_of_backward(form, random_params, normal):
    params = pick(random_params(outputs=2), FIRST)
    cell = Cell(0.001, "tanh", ((1, 1.0),), None, form)
    module, u, x0 = RateNetwork(params, cell), normal(4, 20, 2), normal(4, 6)
    target = normal(4, 20, 2)
    out, _ = module(u, x0)
    (out - target).square().sum().backward()
    driven = drive(params, u[None], None)
    activity = rollout(params, cell, driven, x0[None])
    error = 2 * (readout(params, cell, activity.r_PBSN[:, :, 1:]) - target[None])
    expected = gradients(params, cell, activity, u[None], error, drive_PBTN=driven)
    for name, value in module.named_parameters():
        wanted = getattr(expected, name)[0]
        scale = float(wanted.abs().max())
        torch.testing.assert_close(value.grad, wanted, rtol=1e-9, atol=1e-10 * scale)


def test_intrinsic_parameters_are_saved_but_not_trained(random_params, tanh_cell):
    params = pick(random_params(), FIRST)
    module = RateNetwork(params, tanh_cell)
    trained = {name for name, _ in module.named_parameters()}
    assert trained == {"w_PNN", "win_PNI", "wout_PON", "bias_PN"}
    other = RateNetwork(pick(random_params(seed=9), FIRST), tanh_cell)
    other.load_state_dict(module.state_dict())
    for a, b in zip(other.params(), params, strict=True):
        assert a is b is None or torch.equal(a, b)
