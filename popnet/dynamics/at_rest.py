"""One trained network with all that a search for its attractors begins from.

S states, L inputs, I input channels, N units.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from popnet.core.cell import Cell, Params
from popnet.dynamics.starts import Visited, visited


class AtRest(NamedTuple):
    """A network (P = 1) at the constant inputs of its task."""

    params: Params
    cell: Cell
    states: Visited
    """Where it was in trials of its task: half of the searches begin there."""
    input_LI: NDArray[np.float64]
    diverged: bool
    """Some of its states were not finite, so that nothing is looked for."""


def at_rest(
    params: Params,
    cell: Cell,
    input_PBTI: Tensor,
    x0_PBN: Tensor,
    rest_LI: tuple[tuple[float, ...], ...] = (),
) -> AtRest:
    """Run a network (P = 1, float64) in these trials, and put it at rest.

    ``rest_LI``: the constant inputs; none: no input on any channel alone.
    """
    channels = input_PBTI.shape[3]
    input_LI = np.array(rest_LI or ((0.0,) * channels,), dtype=np.float64)
    states = visited(params, cell, input_PBTI, x0_PBN)
    expected = input_PBTI[0, ..., 0].numel() + x0_PBN.shape[1]
    return AtRest(params, cell, states, input_LI, len(states.x_SN) != expected)
