"""Adam and gradient clipping per network against torch's, one network at a time."""

import pytest
import torch

from popnet.core.optimisers import AdamSettings, AdamState, adam, along, clip_norm

F64 = torch.float64
RATES, BETA1, BETA2, EPSILON = (
    [1e-3, 0.1, 0.0], [0.9, 0.5, 0.8], [0.999, 0.9, 0.99], [1e-8, 1e-3, 1e-6]
)  # fmt: skip


def test_adam_is_torch_s_with_a_clock_per_network(normal):
    settings = AdamSettings(
        *(torch.tensor(v, dtype=F64) for v in (RATES, BETA1, BETA2, EPSILON))
    )
    start, gradients = normal(3, 4, 5), normal(25, 3, 4, 5)
    late = 5  # the last network begins five steps after the others
    value, state = start, AdamState(torch.zeros_like(start), torch.zeros_like(start))
    for step, gradient in enumerate(gradients, 1):
        clock = torch.tensor([step, step, step - late], dtype=F64)
        new, moments = adam(value, gradient, state, settings, clock.clamp(min=1))
        begun = along(clock > 0, value)
        value = torch.where(begun, new, value)
        state = AdamState(
            *(torch.where(begun, a, b) for a, b in zip(moments, state, strict=True))
        )
    for p in range(3):
        expected = torch.nn.Parameter(start[p].clone())
        optimiser = torch.optim.Adam(
            [expected], lr=RATES[p], betas=(BETA1[p], BETA2[p]), eps=EPSILON[p]
        )
        for gradient in gradients[late if p == 2 else 0 :, p]:
            expected.grad = gradient.clone()
            optimiser.step()
        torch.testing.assert_close(value[p], expected.data, rtol=1e-12, atol=1e-12)
    assert torch.equal(value[2], start[2]), "a learning rate of 0 changes nothing"


def test_adam_divides_by_the_root_first_and_then_adds_epsilon():
    # one step from rest: rate g / (|g| + eps), whatever the betas
    one = torch.ones(1, dtype=F64)
    settings = AdamSettings(0.1 * one, 0.9 * one, 0.99 * one, 0.5 * one)
    state = AdamState(torch.zeros(1, 1, dtype=F64), torch.zeros(1, 1, dtype=F64))
    value, _ = adam(torch.zeros(1, 1, dtype=F64), 2 * one[None], state, settings, one)
    assert float(value) == pytest.approx(-0.1 * 2 / 2.5, rel=1e-14)


def test_clip_is_torch_s_per_network(normal):
    # large gradients: torch adds 1e-6 to the norm, which is then out of sight
    gradients = [1e7 * normal(3, 4, 5), 1e7 * normal(3, 2), 1e7 * normal(3, 4)]
    limits = [1e6, 3e7, 1e9]
    clipped, norms = clip_norm(gradients, torch.tensor(limits, dtype=F64))
    for p, limit in enumerate(limits):
        leaves = [torch.nn.Parameter(g[p].clone()) for g in gradients]
        for leaf, gradient in zip(leaves, gradients, strict=True):
            leaf.grad = gradient[p].clone()
        norm = torch.nn.utils.clip_grad_norm_(leaves, limit)
        torch.testing.assert_close(norms[p], norm, rtol=1e-12, atol=0.0)
        for got, leaf in zip(clipped, leaves, strict=True):
            torch.testing.assert_close(got[p], leaf.grad, rtol=1e-12, atol=0.0)
    assert all(torch.equal(c[2], g[2]) for c, g in zip(clipped, gradients, strict=True))


def test_a_gradient_of_zero_stays_zero():
    clipped, norms = clip_norm([torch.zeros(2, 3)], torch.ones(2))
    assert torch.equal(clipped[0], torch.zeros(2, 3))
    assert torch.equal(norms, torch.zeros(2))


def test_a_nan_gradient_stays_in_its_network(normal):
    gradient = normal(3, 4)
    gradient[1, 2] = float("nan")
    clipped, _ = clip_norm([gradient], torch.full((3,), 0.5, dtype=F64))
    assert bool(clipped[0][[0, 2]].isfinite().all())
    assert bool(clipped[0][1].isnan().any())
