"""The equation, term by term, and the nonlinearities with their derivatives."""

import numpy as np
import pytest
import torch

from popnet.core.cell import NONLINEARITIES, Cell, clamp, pick, rates, stack

PLAIN = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "one_plus_tanh": lambda x: 1 + np.tanh(x),
    "rectified_tanh": lambda x: np.maximum(np.tanh(x), 0),
    "softplus": lambda x: np.logaddexp(0, x),
}


def test_every_nonlinearity_has_an_oracle_here():
    assert set(PLAIN) == set(NONLINEARITIES)


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_nonlinearity_is_the_function_it_says(name):
    x = torch.linspace(-6, 6, 241, dtype=torch.float64)
    phi, _ = NONLINEARITIES[name]
    np.testing.assert_allclose(phi(x).numpy(), PLAIN[name](x.numpy()), atol=1e-14)


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_derivative_is_autograd_s(name):
    # 0 is not on the grid: there relu has no derivative
    x = torch.linspace(-6, 6, 240, dtype=torch.float64, requires_grad=True)
    phi, derivative = NONLINEARITIES[name]
    (expected,) = torch.autograd.grad(phi(x).sum(), x)
    torch.testing.assert_close(derivative(x.detach()), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_slope_and_threshold_act_as_the_equation_says(name, random_params, normal):
    params = random_params()
    x = normal(3, 2, 6)
    r = rates(params, Cell(0.001, name, (), None), x).numpy()
    for p, b, i in np.ndindex(3, 2, 6):
        z = float(params.slope_PN[p, i]) * (
            float(x[p, b, i]) - float(params.threshold_PN[p, i])
        )
        assert r[p, b, i] == pytest.approx(float(PLAIN[name](np.float64(z))), abs=1e-14)


def test_clamp_puts_only_the_clamped_units_back():
    x = torch.arange(12.0).reshape(1, 2, 6)
    got = clamp(Cell(0.001, "tanh", ((1, 1.0), (4, -1.0)), None), x.clone())
    expected = x.clone()
    expected[:, :, 1], expected[:, :, 4] = 1.0, -1.0
    assert torch.equal(got, expected)


def test_networks_picked_and_stacked_again_are_the_same(random_params):
    params = random_params(networks=4)
    order = torch.tensor([2, 0, 3, 1])
    back = pick(
        stack([pick(params, order[:1]), pick(params, order[1:])]), order.argsort()
    )
    for name, a, b in zip(params._fields, back, params, strict=True):
        assert a is b is None or torch.equal(a, b), name


def test_beside_a_mask_a_network_without_one_has_a_full_mask(random_params):
    bare, masked = random_params(networks=1), random_params(networks=2, seed=1)
    mask = (masked.w_PNN > 0).double()
    masked = masked._replace(mask_PNN=mask)
    for parts, place in (([bare, masked], [1, 2]), ([masked, bare], [0, 1])):
        both = stack(parts).mask_PNN
        assert torch.equal(both[place], mask)
        assert bool((both[3 - sum(place)] == 1).all())
    assert stack([bare, bare]).mask_PNN is None


def test_networks_with_and_without_signs_are_not_stacked(random_params):
    bare = random_params(networks=1)
    signed = bare._replace(sign_PN=torch.ones(1, 6, dtype=torch.float64))
    for parts in ([bare, signed], [signed, bare]):
        with pytest.raises(ValueError, match="some of these networks have sign_PN"):
            stack(parts)
