"""Trials to criterion of a population in which some networks never met it.

A network that failed is censored at its cap: it would have needed more.  A median is
right with failures at their cap as long as fewer than half fail (``trials_quantiles``);
a mean is not, nor a difference of means, where the failures may stand on either side
(``censored_means``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from popnet.status import Status

LEAST = 10.0
"""Fewer trials of learning are not told apart."""
IDENTIFIED = 3
"""Networks that must have met the criterion before a law is fitted to all."""


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


def learning_trials(
    trials: ArrayLike, wait: ArrayLike, window: ArrayLike, share: ArrayLike
) -> NDArray[np.float64]:
    """The trials spent on learning, of those to criterion or cap.

    Less the ``wait`` in which the rule does not learn yet, and the trials of the
    criterion's ``window`` that must be right (``share`` of them) after all is learned:
    both are the same in every condition, and would hide what learning itself takes.
    LEAST at the least: a window tells no finer.
    """
    right = np.ceil(np.multiply(share, window) - 1e-9)
    return np.maximum(np.asarray(trials, float) - wait - right, LEAST)


def censored_means(
    values_S: ArrayLike, failed_S: ArrayLike, weights_DS: ArrayLike
) -> NDArray[np.float64]:
    """Means of a normal law fitted to values of which some are lower bounds.

    The maximum of the likelihood, by expectation and maximisation: a value that
    ``failed_S`` marks is known to be larger.  For the logarithm of trials this is
    survival analysis with a lognormal law.  Without failures it is the plain mean.  One
    result for each row of weights; NaN where fewer than ``IDENTIFIED`` others stand
    behind it, or their values are all equal.
    """
    values, weights = np.asarray(values_S, float), np.asarray(weights_DS, float)
    weights = np.where(np.isfinite(values), weights, 0.0)
    values = np.where(np.isfinite(values), values, 0.0)
    failed = np.asarray(failed_S, bool) & (weights > 0)
    total = weights.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (weights @ values) / total
        square = (weights * (values - mean[:, None]) ** 2).sum(axis=-1) / total
    if not failed.any():
        return mean
    met = ((weights > 0) & ~failed).sum(axis=-1)
    known = (met >= IDENTIFIED) & (square > 0)
    mean, square, weights = mean[known], square[known], weights[known]
    fit = _fitted(values, failed[known], weights / total[known, None], mean, square)
    found = np.full(len(known), np.nan)
    found[known] = fit
    return found


def _fitted(
    values_S: NDArray[np.float64],
    failed_DS: NDArray[np.bool_],
    share_DS: NDArray[np.float64],
    mean_D: NDArray[np.float64],
    square_D: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Iterate until no mean moves."""
    from scipy.stats import norm

    for _ in range(5000):
        spread = np.sqrt(square_D)[:, None]
        z = (values_S - mean_D[:, None]) / spread
        hazard = np.exp(norm.logpdf(z) - norm.logsf(z))
        expected = np.where(failed_DS, mean_D[:, None] + spread * hazard, values_S)
        left = np.where(failed_DS, spread**2 * (1 + z * hazard - hazard**2), 0.0)
        before = mean_D
        mean_D = (share_DS * expected).sum(axis=-1)
        off = (expected - mean_D[:, None]) ** 2 + left
        square_D = (share_DS * off).sum(axis=-1)
        if np.all(np.abs(mean_D - before) <= 1e-9 * np.sqrt(square_D)):
            break
    return mean_D


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
