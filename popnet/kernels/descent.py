"""Clipped gradient steps of one network after another, compiled.

The same mathematics as ``core.optimisers.descend`` in float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from popnet.core.optimisers import AdamSettings, AdamState
from popnet.kernels.compiling import compiled, summing
from popnet.kernels.forward import array


@summing
def _square_sum(gradient: Any) -> Any:
    total = np.float64(0)
    for i in range(gradient.shape[0]):
        total += np.float64(gradient[i]) * np.float64(gradient[i])
    return total


@compiled
def _adam(
    value: Any, gradient: Any, mean: Any, square: Any, new_value: Any, new_mean: Any,
    new_square: Any, scale: Any, rate: Any, beta1: Any, beta2: Any, epsilon: Any,
    unbias1: Any, unbias2: Any,
) -> None:  # fmt: skip
    """``core.optimisers.adam``; unbias1 = 1 / (1 - beta1^t), unbias2 alike."""
    one = np.float32(1)
    for i in range(value.shape[0]):
        g = scale * gradient[i]
        m = beta1 * mean[i] + (one - beta1) * g
        v = beta2 * square[i] + (one - beta2) * (g * g)
        root = np.sqrt(v * unbias2)
        new_value[i] = value[i] - rate * (m * unbias1) / (root + epsilon)
        new_mean[i] = m
        new_square[i] = v


def descend(
    values: list[Tensor],
    gradients: list[Tensor],
    states: list[AdamState],
    clip_P: Tensor,
    settings: AdamSettings,
    step_P: Tensor,
) -> tuple[list[Tensor], list[AdamState]]:
    """``core.optimisers.descend`` of P networks."""
    after = [torch.empty_like(value) for value in values]
    moments = [AdamState(torch.empty_like(v), torch.empty_like(v)) for v in values]
    for p in range(len(step_P)):
        constants = _constants(settings, float(step_P[p]), p)
        flat = [array(gradient, p).ravel() for gradient in gradients]
        norm = sum(_square_sum(gradient) for gradient in flat) ** 0.5
        scale = np.float32(min(1.0, float(clip_P[p]) / (norm + 1e-12)))
        if np.isnan(norm):
            scale = np.float32(norm)
        for i, gradient in enumerate(flat):
            old = (values[i], states[i].mean, states[i].square)
            new = (after[i], moments[i].mean, moments[i].square)
            value, mean, square = (array(leaf, p).ravel() for leaf in old)
            into = (leaf[p].numpy().ravel() for leaf in new)
            _adam(value, gradient, mean, square, *into, scale, *constants)
    return after, moments


def _constants(settings: AdamSettings, step: float, p: int) -> list[np.float32]:
    rate, beta1, beta2, epsilon = (float(setting[p]) for setting in settings)
    unbias1, unbias2 = 1 / (1 - beta1**step), 1 / (1 - beta2**step)
    numbers = (rate, beta1, beta2, epsilon, unbias1, unbias2)
    return [np.float32(number) for number in numbers]
