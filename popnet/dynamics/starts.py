"""Where searches for attractors begin: states of the task, and states of a box.

S states, F starts, N units, U free units.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popnet.analysis.distinct_points import spread
from popnet.core.autonomous import Autonomous, velocity
from popnet.core.cell import Cell, Params
from popnet.core.rollout import drive, rollout
from popnet.kernels import reproducible
from popnet.seeding import stream

Array = NDArray[np.float64]
TRIALS = 20
"""Trials of the task, about, from which states are taken."""
WIDER = 1.5
"""The box is so many times as wide as the range of each unit in the task."""
LEAST_WIDTH = 5.0
"""Half the width of the box, at least, as in the published code of McMahan et al. 2021:
a network whose task keeps it near one attractor has others further off."""


class Visited(NamedTuple):
    """The states that a network is in during trials of its task."""

    x_SN: Array
    spread: float
    """Root mean squared distance from their mean."""


def visited(params: Params, cell: Cell, input_PBTI: Tensor, x0_PBN: Tensor) -> Visited:
    """The states x of a network (P = 1) in these trials, one trial after another."""
    with reproducible():
        driven = drive(params, input_PBTI, None)
        x_PBSN = rollout(params, cell, driven, x0_PBN).x_PBSN
    return visited_states(x_PBSN[0].double().numpy())


def visited_states(x_BSN: Array) -> Visited:
    """These states of trials [B, T + 1, N], those that are finite."""
    x_SN = x_BSN.reshape(-1, x_BSN.shape[2])
    x_SN = x_SN[np.isfinite(x_SN).all(axis=1)]
    return Visited(x_SN, spread(x_SN) if len(x_SN) else float("nan"))


def starts(states: Visited, networks: Autonomous, count: int, level: int) -> Tensor:
    """So many states [F, U] at which searches begin: half visited ones, half of a box.

    The box is around the middle of each unit's range, 1.5 times as wide, and at least
    10 wide.  The same for every network with these states; each level has its own.
    """
    random = stream("dynamics/starts", counter=level)
    x_SU = states.x_SN[:, networks.free_U.numpy()]
    from_task = count // 2 if len(x_SU) else 0
    chosen = random.integers(0, max(len(x_SU), 1), from_task)
    box_FU = random.uniform(-1, 1, (count - from_task, networks.drive_PLU.shape[2]))
    low_U, high_U = np.zeros((2, box_FU.shape[1]))
    if len(x_SU):
        low_U, high_U = x_SU.min(axis=0), x_SU.max(axis=0)
    half_U = np.maximum(WIDER * (high_U - low_U) / 2, LEAST_WIDTH)
    box_FU = (low_U + high_U) / 2 + half_U * box_FU
    return torch.from_numpy(np.concatenate([x_SU[chosen], box_FU]))


def typical_q(states: Visited, networks: Autonomous) -> float:
    """The median of q = |f|^2 / 2 over visited states, at the constant input.

    A point is slow in comparison with this; NaN without states.  For one network at
    one input, P = L = 1.
    """
    if not len(states.x_SN):
        return float("nan")
    x_SU = torch.from_numpy(states.x_SN)[:, networks.free_U]
    f_SU = velocity(networks, x_SU[None, None])[0, 0]
    return float(f_SU.square().sum(1).median() / 2)
