"""The dose of a perturbation at which a network has lost half of what it could lose.

L grades of one perturbation of one network.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class Dose(NamedTuple):
    """A dose of a perturbation, in the unit of its grades."""

    dose: float
    """NaN for a network without anything to lose."""
    censored: bool
    """True where no grade does as much: ``dose`` is then the highest grade, a lower
    bound."""


def dose_at_half_loss(
    doses_L: ArrayLike, accuracy_L: ArrayLike, unperturbed: float, chance: float
) -> Dose:
    """The smallest dose at which accuracy is half-way from ``unperturbed`` to chance.

        accuracy(dose) = (unperturbed + chance) / 2

    Between grades the accuracy is interpolated linearly along the falling curve that
    lies nearest to the grades by least squares (``falling``); at dose 0 it is
    ``unperturbed``.  The doses are those of one side, 0 or above (durations that are
    stretched, or that are shrunk), in any order; a grade whose accuracy or dose is NaN
    is left out.  A network at chance or below has nothing to lose: NaN.
    """
    doses_L, accuracy_L = _graded(doses_L, accuracy_L, unperturbed)
    if not unperturbed > chance:
        return Dose(float("nan"), False)
    half = (unperturbed + chance) / 2
    curve_L = falling(accuracy_L)
    reached = np.flatnonzero(curve_L <= half)
    if not reached.size:
        return Dose(float(doses_L[-1]), True)
    after = int(reached[0])
    low, high = doses_L[after - 1], doses_L[after]
    above, below = curve_L[after - 1], curve_L[after]
    part = (above - half) / (above - below)
    return Dose(float(low + part * (high - low)), False)


def _graded(
    doses_L: ArrayLike, accuracy_L: ArrayLike, unperturbed: float
) -> tuple[Array, Array]:
    """Grades above 0 in ascending order, behind dose 0; equal doses are averaged."""
    doses_L = np.asarray(doses_L, dtype=np.float64)
    accuracy_L = np.asarray(accuracy_L, dtype=np.float64)
    if doses_L.shape != accuracy_L.shape or (doses_L < 0).any():
        raise ValueError("doses are 0 or above, with one accuracy each")
    known = np.isfinite(doses_L) & np.isfinite(accuracy_L) & (doses_L > 0)
    levels, place = np.unique(doses_L[known], return_inverse=True)
    sums = np.bincount(place, weights=accuracy_L[known], minlength=len(levels))
    counts = np.bincount(place, minlength=len(levels))
    means = sums / np.maximum(counts, 1)
    return np.concatenate([[0.0], levels]), np.concatenate([[unperturbed], means])


def falling(values_L: ArrayLike) -> Array:
    """The falling sequence nearest to the values, whose first value stays as it is.

    Isotonic regression by pooling adjacent violators: Barlow, Bartholomew, Bremner &
    Brunk, Statistical Inference under Order Restrictions, 1972.  No value is above the
    first, which is known.
    """
    values_L = np.asarray(values_L, dtype=np.float64)
    blocks: list[list[float]] = []  # mean, length
    for value in values_L[1:]:
        blocks.append([float(value), 1.0])
        while len(blocks) > 1 and blocks[-2][0] < blocks[-1][0]:
            mean, length = blocks.pop()
            total = blocks[-1][1] + length
            blocks[-1] = [
                (blocks[-1][0] * blocks[-1][1] + mean * length) / total,
                total,
            ]
    rest = [mean for mean, length in blocks for _ in range(int(length))]
    return np.minimum(np.concatenate([values_L[:1], rest]), values_L[0])
