"""How the error of one network went while it learned, in four numbers.

C blocks of trials: a learning curve holds the mean of each.   Times in trials
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

WINDOW = 100
"""Accuracy is followed over this many trailing trials, as the criterion is."""
MARGIN = 0.1
"""A relapse falls this far below the criterion: some 4 standard errors of a mean of
WINDOW trials at an accuracy of 0.95, so that no noise at the border is counted."""
LAST = 500
"""The trials whose error is the residual."""
_ROUNDING = 1e-9


class ErrorDynamics(NamedTuple):
    """One network's learning; errors are in the unit of the rule's error."""

    area: float
    """Mean error per trial over all of the training."""
    relapses: float
    """How often it lost what it had learned; NaN where no trial followed the criterion.
    A count: it can only grow with the trials that followed."""
    variance: float
    """Of the blocks' errors after the criterion; NaN with fewer than two blocks."""
    residual: float
    """Mean error of the last LAST trials, or of all if there were fewer."""


def error_dynamics(
    trial_C: ArrayLike,
    error_C: ArrayLike,
    accuracy_C: ArrayLike,
    trials_to_criterion: float | None,
    criterion: float = 0.95,
) -> ErrorDynamics:
    """Area, relapses, variance and residual of a curve of mean errors in blocks.

    ``trial_C`` holds the trial at which each block ends, ``accuracy_C`` the share of
    its trials that were correct.  Blocks count by their length, and hold their mean all
    along: with n_c trials and error m_c, area = sum n_c m_c / sum n_c.  A block is
    after the criterion if all of it is.

    A relapse: the accuracy of the trailing WINDOW trials, looked at where blocks end,
    falls below ``criterion`` - MARGIN.  Before the next is counted it must have been at
    ``criterion`` again, so a slow crossing of the border counts once.  All are NaN for
    an error that is not finite (a network that diverged) and for an empty curve.
    Miconi, eLife 2017;6:e20899, for the criterion; the four numbers are popnet's.
    """
    ends, error = np.asarray(trial_C, float), np.asarray(error_C, float)
    nothing = float("nan")
    if not ends.size or not np.isfinite(error).all():
        return ErrorDynamics(nothing, nothing, nothing, nothing)
    area = float(_mean_between(ends, error, 0, ends[-1]))
    residual = float(_mean_between(ends, error, max(0, ends[-1] - LAST), ends[-1]))
    met = np.inf if trials_to_criterion is None else float(trials_to_criterion)
    if not met < ends[-1]:
        return ErrorDynamics(area, nothing, nothing, residual)
    relapses = _relapses(ends, np.asarray(accuracy_C, float), met, criterion)
    lengths = np.diff(ends, prepend=0)
    after = ends - lengths >= met
    variance = nothing
    if after.sum() > 1:
        mean = np.average(error[after], weights=lengths[after])
        variance = np.average((error[after] - mean) ** 2, weights=lengths[after])
    return ErrorDynamics(area, relapses, float(variance), residual)


def _mean_between(
    ends: Array, block_C: Array, begin: ArrayLike, end: ArrayLike
) -> Array:
    """The mean over the trials ``begin`` to ``end`` of what is equal in a block."""
    edges = np.concatenate([[0.0], ends])
    sums = np.concatenate([[0.0], np.cumsum(block_C * np.diff(edges))])
    begin, end = np.asarray(begin, float), np.asarray(end, float)
    sum_between = np.interp(end, edges, sums) - np.interp(begin, edges, sums)
    return sum_between / (end - begin)


def _relapses(ends: Array, accuracy_C: Array, met: float, criterion: float) -> float:
    """How often the trailing accuracy fell, counted from the criterion on."""
    looks = ends[ends > met]
    trailing = _mean_between(ends, accuracy_C, np.maximum(0, looks - WINDOW), looks)
    learned, relapses = True, 0
    for accuracy in trailing:
        if learned and accuracy < criterion - MARGIN - _ROUNDING:
            learned, relapses = False, relapses + 1
        elif accuracy >= criterion - _ROUNDING:
            learned = True
    return float(relapses)
