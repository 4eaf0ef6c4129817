"""Gradient steps with one learning rate, one clip and one clock per network."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Shaped
from torch import Tensor


class AdamState(NamedTuple):
    """Moments of one parameter of P networks."""

    mean: Tensor
    square: Tensor


class AdamSettings(NamedTuple):
    """Per-network constants of Adam, each [P]."""

    rate_P: Tensor
    beta1_P: Tensor
    beta2_P: Tensor
    epsilon_P: Tensor


def along(value_P: Shaped[Tensor, " P"], like: Tensor) -> Tensor:
    """A value per network, shaped to multiply a P-first tensor."""
    return value_P.reshape(-1, *[1] * (like.ndim - 1))


def adam(
    value: Tensor,
    gradient: Tensor,
    state: AdamState,
    settings: AdamSettings,
    step_P: Float[Tensor, " P"],
) -> tuple[Tensor, AdamState]:
    """Adam with a rate per network.  Kingma & Ba (2015), Algorithm 1.

    ``step_P`` is each network's own step number, beginning with 1.
    """
    rate, b1, b2, eps = (along(s, value) for s in settings)
    mean = b1 * state.mean + (1 - b1) * gradient
    square = b2 * state.square + (1 - b2) * gradient**2
    t = along(step_P, value)
    unbiased = mean / (1 - b1**t)
    root = (square / (1 - b2**t)).sqrt()
    return value - rate * unbiased / (root + eps), AdamState(mean, square)


def clip_norm(
    gradients: list[Tensor], limit_P: Float[Tensor, " P"]
) -> tuple[list[Tensor], Float[Tensor, " P"]]:
    """Scale each network's whole gradient to at most its own norm limit.

    After Pascanu, Mikolov & Bengio (2013).  Returns the gradients and their norms.
    """
    norm_P = torch.stack([g.flatten(1).square().sum(1) for g in gradients]).sum(0)
    norm_P = norm_P.sqrt()
    scale_P = torch.clamp(limit_P / (norm_P + 1e-12), max=1.0)
    return [g * along(scale_P, g) for g in gradients], norm_P


def sgd(
    values: list[Tensor],
    gradients: list[Tensor],
    clip_P: Float[Tensor, " P"],
    rate_P: Float[Tensor, " P"],
) -> list[Tensor]:
    """One step of rate times the clipped gradient, on all parameters of P networks."""
    clipped, _ = clip_norm(gradients, clip_P)
    pairs = zip(values, clipped, strict=True)
    return [value - along(rate_P, value) * gradient for value, gradient in pairs]


def descend(
    values: list[Tensor],
    gradients: list[Tensor],
    states: list[AdamState],
    clip_P: Float[Tensor, " P"],
    settings: AdamSettings,
    step_P: Float[Tensor, " P"],
) -> tuple[list[Tensor], list[AdamState]]:
    """One step of Adam on all parameters of P networks, their gradients clipped."""
    clipped, _ = clip_norm(gradients, clip_P)
    made = [
        adam(value, gradient, state, settings, step_P)
        for value, gradient, state in zip(values, clipped, states, strict=True)
    ]
    return [value for value, _ in made], [state for _, state in made]
