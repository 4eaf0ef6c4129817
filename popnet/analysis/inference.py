"""Effects over networks with intervals, and corrections of p-values.

    S seeds: networks that share their random numbers across conditions

Intervals are those of ``popnet.analysis.intervals``, tests over levels are in
``popnet.analysis.level_tests`` and tests of a dependence on the task in
``popnet.analysis.interactions``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from popnet.analysis.interactions import Interaction as Interaction
from popnet.analysis.interactions import interaction as interaction
from popnet.analysis.intervals import Effect as Effect
from popnet.analysis.intervals import mean_interval as mean_interval
from popnet.analysis.level_tests import Departure as Departure
from popnet.analysis.level_tests import Trend as Trend
from popnet.analysis.level_tests import jonckheere as jonckheere
from popnet.analysis.level_tests import monotone_departure as monotone_departure
from popnet.analysis.level_tests import trend as trend

Array = NDArray[np.float64]


def paired_difference(a_S: ArrayLike, b_S: ArrayLike) -> Effect:
    """The mean of a - b over seeds, in the unit of the values."""
    return mean_interval(np.subtract(a_S, b_S, dtype=float))


def standardised_difference(a_S: ArrayLike, b_S: ArrayLike) -> float:
    """The mean of a - b over its standard deviation over seeds, no unit.

    Cohen's d_z times Hedges' exact correction for few seeds, J. Educ. Stat. 6, 107
    (1981): gamma(m / 2) / (sqrt(m / 2) gamma((m - 1) / 2)) with m = S - 1, 0.93 for 12.
    0 where all differences are 0, infinite where they are equal but not 0.  Two seeds
    give NaN.
    """
    from scipy.special import gammaln

    values = np.subtract(a_S, b_S, dtype=float)
    values = values[np.isfinite(values)]
    m = len(values) - 1
    if m < 2:
        return np.nan
    mean, spread, size = values.mean(), values.std(ddof=1), np.abs(values).max()
    if spread <= 1e-12 * size:  # rounding of equal values is no spread
        return 0.0 if size == 0 else float(np.inf * np.sign(mean))
    correction = np.exp(gammaln(m / 2) - gammaln((m - 1) / 2)) / np.sqrt(m / 2)
    return float(correction * mean / spread)


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
