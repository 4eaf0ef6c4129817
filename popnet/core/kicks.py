"""Impulses as a list: a few hundred kicks among hundreds of thousands of cells."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Kicks(NamedTuple):
    """Currents to single units at single steps of one trial, steps in order."""

    step: NDArray[np.int64]
    unit: NDArray[np.int64]
    size: NDArray[np.float64]


NO_KICKS = Kicks(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def dense(kicks: Kicks, steps: int, units: int) -> NDArray[np.float64]:
    """The same currents as an array [T, N]."""
    current = np.zeros((steps, units))
    current[kicks.step, kicks.unit] = kicks.size
    return current
