"""One network at one constant input as a map of numpy arrays, for ``analysis``.

    x(t+1) = F(x(t)),   DF

U free units, F states, T time steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popnet.core.autonomous import Autonomous, advanced, tangent_map

Array = NDArray[np.float64]


class Map(NamedTuple):
    """F and its derivative at one state."""

    step: Callable[[Array], Array]
    tangent: Callable[[Array], Array]


def map_of(network: Autonomous) -> Map:
    """The map of a network at an input, P = L = 1, from [U] to [U] and [U, U]."""

    def step(x_U: Array) -> Array:
        return advanced(network, _one(x_U))[0, 0, 0].numpy()

    def tangent(x_U: Array) -> Array:
        return tangent_map(network, _one(x_U))[0, 0, 0].numpy()

    return Map(step, tangent)


def _one(x_U: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(x_U))[None, None, None]


def run(network: Autonomous, x_FU: Tensor, steps: int) -> Tensor:
    """The states after so many steps, of all starts at once."""
    x_PLFU = x_FU[None, None]
    for _ in range(steps):
        x_PLFU = advanced(network, x_PLFU)
    return x_PLFU[0, 0]


def recorded(network: Autonomous, x_FU: Tensor, steps: int) -> Array:
    """The states of each start, the first included, [F, T + 1, U]."""
    x_PLFU, kept = x_FU[None, None], [x_FU]
    for _ in range(steps):
        x_PLFU = advanced(network, x_PLFU)
        kept.append(x_PLFU[0, 0])
    return torch.stack(kept, 1).numpy()
