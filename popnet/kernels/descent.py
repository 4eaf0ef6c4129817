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
from popnet.kernels.packing import array


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


@compiled
def _descend(
    values: Any, gradients: Any, means: Any, squares: Any, new_values: Any,
    new_means: Any, new_squares: Any, clip: Any, rate: Any, beta1: Any, beta2: Any,
    epsilon: Any, unbias1: Any, unbias2: Any,
) -> None:  # fmt: skip
    """All parameters of one network; tuples of flat arrays."""
    norm = np.float64(0)
    for gradient in gradients:
        norm += _square_sum(gradient)
    norm = np.sqrt(norm)
    # in this order a NaN stays NaN
    scale = np.float64(1) if norm <= clip else clip / (norm + 1e-12)
    for k in range(len(values)):
        _adam(
            values[k], gradients[k], means[k], squares[k], new_values[k], new_means[k],
            new_squares[k], np.float32(scale), rate, beta1, beta2, epsilon, unbias1,
            unbias2,
        )  # fmt: skip


def descend(
    values: list[Tensor],
    gradients: list[Tensor],
    states: list[AdamState],
    clip_P: Tensor,
    settings: AdamSettings,
    step_P: Tensor,
) -> tuple[list[Tensor], list[AdamState]]:
    """``core.optimisers.descend`` of P networks."""
    after, means, squares = (
        [torch.empty_like(value) for value in values] for _ in range(3)
    )
    old = (values, gradients, *zip(*states, strict=True))
    for p in range(len(step_P)):
        given = (tuple(array(t, p).ravel() for t in leaves) for leaves in old)
        into = (
            tuple(t[p].numpy().ravel() for t in leaves)
            for leaves in (after, means, squares)
        )
        constants = _constants(settings, float(step_P[p]), p)
        _descend(*given, *into, float(clip_P[p]), *constants)
    moments = [AdamState(*pair) for pair in zip(means, squares, strict=True)]
    return after, moments


def _constants(settings: AdamSettings, step: float, p: int) -> list[np.float32]:
    rate, beta1, beta2, epsilon = (float(setting[p]) for setting in settings)
    unbias1, unbias2 = 1 / (1 - beta1**step), 1 / (1 - beta2**step)
    numbers = (rate, beta1, beta2, epsilon, unbias1, unbias2)
    return [np.float32(number) for number in numbers]
