"""Estimates over seeds: of all networks, and without those of each seed.

    S seeds; D = 1 + S: of all seeds, then without each of them

Networks of one seed start from the same draws in every condition.  So a seed, with all
its networks and all their pairs, is left out at once, and every function of such
estimates (differences, slopes, ratios of means) has its own jackknife.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from popnet.analysis.intervals import Effect, Limits, jackknifed, mean_interval

Array = NDArray[np.float64]


class SeedEstimate(NamedTuple):
    """A number of all seeds, and without each of them."""

    value_D: Array
    takes_S: NDArray[np.bool_]
    """which seeds take part in it"""
    limits: Limits | None = None
    """the range of the seeds' values, where they fill it"""

    @property
    def whole(self) -> float:
        """The number of all seeds."""
        return float(self.value_D[0])

    @property
    def values(self) -> Array:
        """Pseudo-values of the seeds that take part; finite ones."""
        found = jackknifed(self.value_D[0], self.value_D[1:][self.takes_S])
        return found[np.isfinite(found)]

    @property
    def effect(self) -> Effect:
        """The number of all seeds with its interval of 95 % over seeds."""
        found = mean_interval(self.values, limits=self.limits)
        return found._replace(value=self.whole)


def nothing(seeds: int) -> SeedEstimate:
    """What is not known."""
    return SeedEstimate(np.full(1 + seeds, np.nan), np.zeros(seeds, bool))


def of_seeds(value_S: ArrayLike) -> SeedEstimate:
    """The mean over the seeds that have a number (are finite), in its unit."""
    value = np.asarray(value_S, np.float64)
    takes = np.isfinite(value)
    total, count = value[takes].sum(), takes.sum()
    left_S = count - takes
    without = np.full(len(value), np.nan)
    sums_S = total - np.where(takes, value, 0.0)
    np.divide(sums_S, left_S, out=without, where=left_S > 0)
    whole = total / count if count else np.nan
    return SeedEstimate(np.concatenate([[whole], without]), takes)


def of_pairs(value_SS: ArrayLike) -> SeedEstimate:
    """The mean over pairs of two seeds of their numbers, in its unit.

        mean = sum_(a != b) v_ab / #;  without s: all pairs but those of s

    Pairs of one seed (the diagonal) and pairs without a finite number do not count.
    """
    value = np.asarray(value_SS, np.float64)
    known = np.isfinite(value) & ~np.eye(len(value), dtype=bool)
    filled = np.where(known, value, 0.0)
    total, count = filled.sum(), known.sum()
    sums_S = filled.sum(axis=0) + filled.sum(axis=1)
    counts_S = known.sum(axis=0) + known.sum(axis=1)
    left_S = count - counts_S
    without = np.full(len(value), np.nan)
    np.divide(total - sums_S, left_S, out=without, where=left_S > 0)
    whole = total / count if count else np.nan
    return SeedEstimate(np.concatenate([[whole], without]), counts_S > 0)


def combined(weights: Sequence[float], parts: Sequence[SeedEstimate]) -> SeedEstimate:
    """The sum of estimates times their weights; a seed takes part where in one."""
    value_D = np.sum([w * p.value_D for w, p in zip(weights, parts, strict=True)], 0)
    return SeedEstimate(value_D, np.any([part.takes_S for part in parts], axis=0))


def average(parts: Sequence[SeedEstimate]) -> SeedEstimate:
    """The mean of estimates, all alike."""
    return combined([1 / len(parts)] * len(parts), parts)


def difference(one: SeedEstimate, other: SeedEstimate) -> SeedEstimate:
    """One less the other."""
    return combined([1.0, -1.0], [one, other])


def slope(x_K: ArrayLike, parts: Sequence[SeedEstimate]) -> SeedEstimate:
    """The least-squares slope of K estimates over x.

    sum_k (x_k - mean x) y_k / sum_k (x_k - mean x)^2
    """
    x = np.asarray(x_K, np.float64)
    away_K = x - x.mean()
    return combined((away_K / np.sum(away_K**2)).tolist(), parts)
