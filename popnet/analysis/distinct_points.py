"""Sorts the ends of a search: which are fixed points, and which of these are one.

F points, N units; residual q = |f(x)|^2 / 2 in units of x squared.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Kind = Literal["root", "slow", "rejected"]
ROOT = 1e-16
"""q of a root at most: |f| below 1.4e-8, which double precision reaches for x of order
one, and which no slow point of a network in single precision has."""


def kinds(residual_F: Array, slow: float) -> NDArray[np.str_]:
    """For each end: "root" (q <= 1e-16), "slow" (q <= ``slow``) or "rejected".

    A slow point is a local minimum of q at which the network moves far slower than in
    its task.  Sussillo & Barak, Neural Comput 2013;25:626.
    """
    known_F = np.asarray(residual_F)
    of_slow = np.where(known_F <= slow, "slow", "rejected")
    return np.where(known_F <= ROOT, "root", of_slow)


def distinct(
    x_FN: Array, residual_F: Array, tolerance: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of one point of each group, and for every point the number of its group.

    The best point (least q) stands for all within ``tolerance`` (Euclidean, units of
    x) of it; then the best of the others, and so on.  The order of the points does not
    matter but for ties.
    """
    order = np.argsort(residual_F, kind="stable")
    group_F = np.full(len(order), -1)
    chosen: list[int] = []
    for place in order:
        if group_F[place] < 0:
            apart_F = np.linalg.norm(x_FN - x_FN[place], axis=1)
            group_F[(apart_F <= tolerance) & (group_F < 0)] = len(chosen)
            chosen.append(int(place))
    return np.array(chosen, dtype=np.int64), group_F


def spread(x_SN: Array) -> float:
    """Root mean squared distance of states from their mean, in units of x."""
    apart_SN = x_SN - x_SN.mean(axis=0)
    return float(np.sqrt(np.square(apart_SN).sum(axis=1).mean()))
