"""A learning curve as blocks of trials that hold their mean all along.

C blocks of trials.   Times in trials
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from popnet.measures._seen import CurveSeen

Array = NDArray[np.float64]


class ErrorBlocks(NamedTuple):
    """The blocks of a curve whose errors are all finite."""

    ends_C: Array
    error_C: Array
    met: float
    """The trial of the criterion; infinite where it was never met."""

    @property
    def lengths_C(self) -> Array:
        """Trials in each block."""
        return np.diff(self.ends_C, prepend=0)

    @property
    def followed(self) -> bool:
        """True where at least one trial followed the criterion."""
        return bool(self.met < self.ends_C[-1])

    def mean_error(self, begin: float) -> float:
        """Mean error per trial from a trial to the end."""
        last = self.ends_C[-1]
        return float(mean_between(self.ends_C, self.error_C, begin, last))


def error_blocks(seen: CurveSeen) -> ErrorBlocks | None:
    """The blocks of a curve; None for an empty one and for an error not finite.

    An error that is not finite is that of a network that diverged.
    """
    ends_C, error_C = np.asarray(seen.trial_C, float), np.asarray(seen.error_C, float)
    if not ends_C.size or not np.isfinite(error_C).all():
        return None
    met = seen.trials_to_criterion
    return ErrorBlocks(ends_C, error_C, np.inf if met is None else float(met))


def mean_between(
    ends_C: Array, block_C: Array, begin: ArrayLike, end: ArrayLike
) -> Array:
    """The mean over the trials ``begin`` to ``end`` of what is equal in a block."""
    edges = np.concatenate([[0.0], ends_C])
    sums = np.concatenate([[0.0], np.cumsum(block_C * np.diff(edges))])
    begin, end = np.asarray(begin, float), np.asarray(end, float)
    sum_between = np.interp(end, edges, sums) - np.interp(begin, edges, sums)
    return sum_between / (end - begin)
