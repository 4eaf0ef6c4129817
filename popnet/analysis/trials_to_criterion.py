"""Trials to criterion of a population in which some networks never met it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from popnet.status import Status


class TrialsOrCap(NamedTuple):
    """What each network needed; where it failed, a lower bound of that."""

    trials: NDArray[np.float64]
    """NaN for a network that had no criterion to meet"""
    failed: NDArray[np.bool_]


class TrialsQuantile(NamedTuple):
    """A quantile of trials to criterion over networks, failures at their cap."""

    trials: float
    bound: bool
    """networks that failed decide it: the true value lies above"""


def allowed(
    status: ArrayLike, trials: ArrayLike, cap: ArrayLike
) -> NDArray[np.float64]:
    """The most trials each network was allowed: fewer where a search stopped it."""
    stopped = np.asarray(status, dtype=object) == Status.STOPPED
    return np.where(stopped, np.asarray(trials, float), np.asarray(cap, float))


def trials_or_cap(
    status: ArrayLike, trials_to_criterion: ArrayLike, cap: ArrayLike
) -> TrialsOrCap:
    """The trials to criterion of each network, its cap where it failed.

    A network fails when it never meets its criterion within the cap, the most trials
    it was allowed, and also when it diverges after meeting it: it has not kept what
    it learned.  ``trials_to_criterion``: NaN where never.  Of a network that a search
    stopped, ``cap`` is the trials it had.
    """
    fates = np.asarray(status, dtype=object)
    met = np.asarray(trials_to_criterion, dtype=float)
    failed = np.isin(fates, [Status.UNCONVERGED, Status.DIVERGED]) | ~np.isfinite(met)
    asked = fates != Status.TRAINED
    trials = np.where(failed, np.broadcast_to(np.asarray(cap, float), met.shape), met)
    return TrialsOrCap(np.where(asked, trials, np.nan), failed & asked)


def trials_quantiles(
    needed: TrialsOrCap, shares: Sequence[float]
) -> list[TrialsQuantile]:
    """Quantiles over the networks that had a criterion; NaN where there are none.

    A cap is a lower bound, and so is every quantile that would move if the networks
    that failed needed more.
    """
    asked = np.isfinite(needed.trials)
    if not asked.any():
        return [TrialsQuantile(np.nan, False) for _ in shares]
    trials, failed = needed.trials[asked], needed.failed[asked]
    later = np.where(failed, 2 * trials.max() + 1, trials)
    return [
        TrialsQuantile(float(low), bool(low != high))
        for low, high in zip(
            np.quantile(trials, shares), np.quantile(later, shares), strict=True
        )
    ]
