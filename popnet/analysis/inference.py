"""Effects over networks with bootstrap intervals, and corrections of p-values.

    S seeds: networks that share their random numbers across conditions

Every interval takes its random generator: the same records and seed give the same page.
Values that are not finite are left out, in paired data with their pair, and ``n`` says
how many stayed: a network that never learned must come in as a number, not as NaN.
Tests over levels and tasks are in ``popnet.analysis.level_tests``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from popnet.analysis.level_tests import Departure as Departure
from popnet.analysis.level_tests import Interaction as Interaction
from popnet.analysis.level_tests import Trend as Trend
from popnet.analysis.level_tests import interaction as interaction
from popnet.analysis.level_tests import jonckheere as jonckheere
from popnet.analysis.level_tests import monotone_departure as monotone_departure
from popnet.analysis.level_tests import trend as trend

Array = NDArray[np.float64]


class Effect(NamedTuple):
    """A number with its 95 % bootstrap interval over networks."""

    value: float
    low: float
    high: float
    n: int
    """networks counted; pairs where paired"""


def bootstrap_mean(values: ArrayLike, random: np.random.Generator) -> Effect:
    """The mean over networks with its interval (see ``bootstrap_of``)."""
    return bootstrap_of(np.mean, values, random=random)


def bootstrap_of(
    statistic: Callable[..., Any],
    *groups: ArrayLike,
    random: np.random.Generator,
    paired: bool = False,
    draws: int = 2000,
) -> Effect:
    """``statistic(*groups, axis=...)`` with a 95 % interval over networks.

    Each group is resampled, all alike if ``paired``.  BCa, Efron, J. Am. Stat. Assoc.
    82, 171 (1987); where its corrections are not defined (values that are all equal,
    medians among ties) the percentile interval, of zero width for equal values.
    """
    from scipy.stats import bootstrap

    kept = [np.asarray(group, float) for group in groups]
    if paired:
        whole = np.isfinite(kept).all(axis=0)
        kept = [group[whole] for group in kept]
    kept = [group[np.isfinite(group)] for group in kept]
    n = len(kept[0]) if paired else sum(len(group) for group in kept)
    if min(len(group) for group in kept) == 0:
        return Effect(np.nan, np.nan, np.nan, n)
    value = float(statistic(*kept, axis=-1))
    if min(len(group) for group in kept) == 1:
        return Effect(value, np.nan, np.nan, n)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # the degenerate cases, answered below
        found = bootstrap(
            kept, statistic, paired=paired, n_resamples=draws, method="BCa", rng=random
        )
    low, high = found.confidence_interval
    if not np.isfinite([low, high]).all():
        drawn = np.asarray(found.bootstrap_distribution)
        # by rank, not between ranks: an effect without spread is infinite
        low, high = np.quantile(drawn, [0.025, 0.975], method="inverted_cdf")
    return Effect(value, float(low), float(high), n)


def paired_difference(
    a_S: ArrayLike, b_S: ArrayLike, random: np.random.Generator
) -> Effect:
    """The mean of a - b over seeds, in the unit of the values."""
    return bootstrap_mean(np.subtract(a_S, b_S, dtype=float), random)


def standardised_difference(
    a_S: ArrayLike, b_S: ArrayLike, random: np.random.Generator
) -> Effect:
    """The mean of a - b over its standard deviation over seeds, no unit.

    Cohen's d_z times Hedges' exact correction for few seeds, J. Educ. Stat. 6, 107
    (1981): gamma(m / 2) / (sqrt(m / 2) gamma((m - 1) / 2)) with m = S - 1, 0.93 for 12.
    0 where all differences are 0, infinite where they are equal but not 0.  Two seeds
    give NaN.
    """
    return bootstrap_of(_hedges, np.subtract(a_S, b_S, dtype=float), random=random)


def _hedges(values: Array, axis: int = -1) -> Array:
    from scipy.special import gammaln

    m = values.shape[axis] - 1
    if m < 2:
        return np.full(np.delete(values.shape, axis), np.nan)
    correction = np.exp(gammaln(m / 2) - gammaln((m - 1) / 2)) / np.sqrt(m / 2)
    mean, spread = values.mean(axis), values.std(axis, ddof=1)
    # rounding of equal values is no spread
    size = np.abs(values).max(axis)
    spread = np.where(spread <= 1e-12 * size, 0, spread)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(size == 0, 0.0, correction * mean / spread)


def corrected(p_values: ArrayLike) -> Array:
    """Holm's adjusted p-values, against one false rejection in the family.

        p~_(i) = max over j <= i of min(1, (m - j + 1) p_(j))      p_(1) <= ... <= p_(m)

    NaN stays NaN and does not count in m.  Holm, Scand. J. Stat. 6, 65 (1979).
    """
    p = np.asarray(p_values, float)
    order = np.argsort(p)[: np.isfinite(p).sum()]  # NaN is sorted last
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted = np.full(p.shape, np.nan)
    adjusted[order] = np.maximum.accumulate(np.minimum(1, steps))
    return adjusted


def false_discovery(p_values: ArrayLike) -> Array:
    """Benjamini and Hochberg's adjusted p-values, for the share of false discoveries.

    NaN stays NaN and does not count.  J. R. Stat. Soc. B 57, 289 (1995), as in scipy.
    """
    from scipy.stats import false_discovery_control

    p = np.asarray(p_values, float)
    adjusted = np.full(p.shape, np.nan)
    known = np.isfinite(p)
    adjusted[known] = false_discovery_control(p[known])
    return adjusted
