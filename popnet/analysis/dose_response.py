"""The dose of a perturbation that costs a network half of what it had to lose.

L levels of a perturbation, ascending from 0, which changes nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Dose(NamedTuple):
    """Where accuracy has fallen half of the way to chance."""

    level: float
    """in the unit of the levels; the highest level where it is not reached"""
    reached: bool
    """whether a level is known to cost half; otherwise ``level`` is a lower bound"""


def dose_at_half_loss(
    levels_L: ArrayLike, accuracy_L: ArrayLike, chance: float
) -> Dose:
    """The least level at which accuracy is (accuracy at level 0 + chance) / 2.

    Accuracy at the levels is first made to fall along them, by isotonic regression with
    equal weights: a test on few trials may rise by luck.  Between levels it is linear.
    NaN where accuracy at level 0 is not above chance: nothing can be lost.

    Raises ValueError unless the levels ascend from 0.
    """
    levels, accuracy = np.asarray(levels_L, float), np.asarray(accuracy_L, float)
    if len(levels) < 2 or levels[0] != 0 or not (np.diff(levels) > 0).all():
        raise ValueError(f"levels must ascend from 0; got {levels.tolist()}")
    from scipy.optimize import isotonic_regression

    if not np.isfinite(accuracy).all() or accuracy[0] <= chance:
        return Dose(float("nan"), False)
    half = (accuracy[0] + chance) / 2
    # the unperturbed accuracy is what losses are counted from: it is no part of the fit
    falling = isotonic_regression(accuracy[1:], increasing=False).x
    falling = np.concatenate([accuracy[:1], np.minimum(falling, accuracy[0])])
    below = np.flatnonzero(falling <= half)
    if not below.size:
        return Dose(float(levels[-1]), False)
    last = int(below[0])
    share = (falling[last - 1] - half) / (falling[last - 1] - falling[last])
    step = levels[last] - levels[last - 1]
    return Dose(float(levels[last - 1] + share * step), True)


def effect_at_dose(levels_L: ArrayLike, effect_L: ArrayLike, dose: Dose) -> float:
    """What else the perturbation does at a dose, linear between levels.

    Such as the r.m.s. change of activity, 0 at level 0.  NaN where the dose is, or
    where the effect is not known at a level next to it.
    """
    levels, effect = np.asarray(levels_L, float), np.asarray(effect_L, float)
    if not np.isfinite(dose.level):
        return float("nan")
    return float(np.interp(dose.level, levels, effect))
