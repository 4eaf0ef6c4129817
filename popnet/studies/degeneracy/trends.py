"""Trends of a quantity along a factor, with the seeds as units.

A trend is the least-squares slope of a quantity over the levels of a family:

    slope = sum_k (x_k - mean x) y_k / sum_k (x_k - mean x)^2

It is found once of all networks and once without those of each seed; the pseudo-values
of this jackknife (``popnet.analysis.intervals.jackknifed``) are judged.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.intervals import Effect, jackknifed, mean_interval
from popnet.studies.degeneracy.factors import Family, level_words
from popnet.studies.degeneracy.quantities import QUANTITIES, Quantity
from popnet.studies.degeneracy.tables import DegeneracyTables

Array = NDArray[np.float64]
FEWEST_NETWORKS = 4
"""A level at which fewer networks met the criterion has no say."""


class FactorTrend(NamedTuple):
    """The slope of a quantity along a factor, and what it is made of."""

    values_S: Array
    """pseudo-values of the slope, one per seed; empty where there is none"""
    x_K: Array
    levels: tuple[float, ...]
    whole_K: Array
    """the quantity at each level"""
    left_out: tuple[float, ...]
    """levels with too few networks"""

    @property
    def effect(self) -> Effect:
        """The slope with its interval of 95 % over seeds."""
        return mean_interval(self.values_S)

    @property
    def reach(self) -> float:
        """The range of x that it is over."""
        return float(np.ptp(self.x_K)) if len(self.x_K) else 0.0


NO_TREND = FactorTrend(np.empty(0), np.empty(0), (), np.empty(0), ())


def trend(
    tables: DegeneracyTables,
    family: Family | None,
    name: str,
    quantity: Quantity | None = None,
) -> FactorTrend:
    """The trend of a quantity of ``QUANTITIES``, or of another, along a family.

    Levels with too few networks that met the criterion are left out; without two of
    them there is no trend.
    """
    if family is None:
        return NO_TREND
    quantity = quantity or QUANTITIES[name]
    kept, lost = [], []
    for x, level, condition in zip(
        family.x, family.levels, family.conditions, strict=True
    ):
        few = len(tables.cells[condition].networks) < FEWEST_NETWORKS
        found = tables.estimate(quantity.source, condition)
        (lost if few else kept).append((x, level, found))
    known = [one for one in kept if np.isfinite(one[2].whole) and one[2].without]
    left_out = tuple(level for _, level, _ in lost)
    if len(known) < 2:
        return NO_TREND._replace(left_out=left_out)
    x_K = np.array([x for x, _, _ in known])
    seeds = sorted({seed for _, _, one in known for seed in one.without})
    # a seed without a network at some level takes nothing away there
    y_SK = np.array(
        [[one.without.get(seed, one.whole) for _, _, one in known] for seed in seeds]
    )
    whole_K = np.array([one.whole for _, _, one in known])
    values_S = jackknifed(
        slope(x_K, quantity.transformed(whole_K)),
        slope(x_K, quantity.transformed(y_SK)),
    )
    levels = tuple(level for _, level, _ in known)
    known_S = values_S[np.isfinite(values_S)]
    return FactorTrend(known_S, x_K, levels, whole_K, left_out)


def slope(x_K: Array, y_K: Array) -> Array:
    """The least-squares slope over the last axis of y."""
    away_K = x_K - x_K.mean()
    return (y_K * away_K).sum(axis=-1) / np.sum(away_K**2)


def levels_words(found: FactorTrend) -> str:
    """The quantity at each level: "2: 0.31, 3: 0.28"."""
    pairs = zip(found.levels, found.whole_K, strict=True)
    return ", ".join(f"{level_words(level)}: {value:.3g}" for level, value in pairs)
