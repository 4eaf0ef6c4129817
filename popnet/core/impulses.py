"""Impulses as a list: a few hundred among hundreds of thousands of cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class ImpulseList(NamedTuple):
    """Currents to single units at single steps of one trial, steps in order."""

    step: NDArray[np.int64]
    unit: NDArray[np.int64]
    size: NDArray[np.float64]


NO_IMPULSES = ImpulseList(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def dense(impulses: ImpulseList, steps: int, units: int) -> NDArray[np.float64]:
    """The same currents as an array [T, N]."""
    current = np.zeros((steps, units))
    np.add.at(current, (impulses.step, impulses.unit), impulses.size)
    return current


def together(parts: Sequence[ImpulseList]) -> ImpulseList:
    """Impulses of several kinds in one trial, as one list in order of their steps."""
    if len(parts) == 1:
        return parts[0]
    step, unit, size = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(step, kind="stable")
    return ImpulseList(step[order], unit[order], size[order])


def one_each(impulses: ImpulseList) -> list[ImpulseList]:
    """The same impulses as lists in which no unit has two in one step."""
    order = np.lexsort((impulses.unit, impulses.step))
    step, unit = impulses.step[order], impulses.unit[order]
    size = impulses.size[order]
    first = np.ones(len(order), bool)
    first[1:] = (step[1:] != step[:-1]) | (unit[1:] != unit[:-1])
    places = np.arange(len(order))
    turn = places - np.maximum.accumulate(np.where(first, places, 0))
    return [
        ImpulseList(step[turn == k], unit[turn == k], size[turn == k])
        for k in range(int(turn.max(initial=0)) + 1)
    ]


ImpulsesGiven = Sequence[Sequence[ImpulseList]] | Tensor
"""Impulses of each network and trial [P][B], or as a current [P, B, T, N]."""


def currents(
    noise_PBTN: Tensor | None,
    impulses: ImpulsesGiven | None,
    x0_PBN: Tensor,
    steps: int,
) -> Tensor | None:
    """Noise and impulses as one current [P, B, T, N], or None when there are none.

    T is ``steps``; units, type and device are those of x(0), the states they act on.
    """
    if impulses is None:
        return noise_PBTN
    if isinstance(impulses, Tensor):
        return impulses if noise_PBTN is None else noise_PBTN + impulses
    units = x0_PBN.shape[2]
    rows = [np.stack([dense(one, steps, units) for one in row]) for row in impulses]
    current = torch.from_numpy(np.stack(rows)).to(x0_PBN)
    return current if noise_PBTN is None else noise_PBTN + current
