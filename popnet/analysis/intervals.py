"""Intervals of a mean over seeds that cover it, for skewed and tied values too.

    S seeds: independent units; axes before S are separate samples

With the mean m, the deviation s and the skewness g of n values (unbiased for normal
ones, n - 1 and Fisher-Pearson), and t the quantile of Student's law:

    low  = m - s / sqrt(n) [t + c max(-g, 0) (1 + 2 t^2) / (6 sqrt(n))]
    high = m + s / sqrt(n) [t + c max(+g, 0) (1 + 2 t^2) / (6 sqrt(n))]

This is Student's interval, widened towards the longer tail by the Edgeworth term for
the skewness of the mean (Johnson, J. Am. Stat. Assoc. 73, 536, 1978) times

    c = 1.6 + 500 / n^2

chosen so that 0.94 at least of the intervals of 95 % cover the mean of a lognormal law
of deviation 1 for every n from 5 on; ``tests/papers/interval_coverage.py`` makes the
table in tests/README.md.  A rare second kind of network that a sample does not hold
widens nothing.  So a sample in which fewer than three values differ from the others
(drops that are nearly all 0) has no interval, and no verdict is based on it.

Values that fill their range [a, b] (rank correlations, from -1 to 1) need no guess at
their skewness: their interval is Student's, whose ends are no nearer to b than that of
n values of b alone, and to a likewise (Clopper & Pearson, Biometrika 26, 404, 1934):

    low <= a + (b - a) q^(1/n),   high >= b - (b - a) q^(1/n),   q = (1 - level) / 2
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Limits = tuple[float, float]
FEWEST_DIFFERENT = 3
"""Values that must differ from the median before spread is judged by them."""


class Effect(NamedTuple):
    """A number with its interval over independent units, of 95 % unless said."""

    value: float
    low: float
    high: float
    n: int
    """independent units counted: seeds, or networks"""


class _Shape(NamedTuple):
    """Mean, standard error and skewness term from which an interval is made."""

    mean: Array
    error: Array
    """of the mean; NaN where there is no interval"""
    skewed: Array
    """a = c g / (3 sqrt(n)): the longer side ends at t + |a| (t^2 + 1 / 2)"""
    n: int


def mean_interval(
    values: ArrayLike, level: float = 0.95, limits: Limits | None = None
) -> Effect:
    """The mean of the finite values with its interval; see this module.

    Values that are not finite are left out, and ``n`` says how many stayed: a network
    that never learned must come in as a number, not as NaN.  ``limits``: the range of
    values that fill theirs.
    """
    from scipy.special import stdtrit

    kept = np.asarray(values, float)
    kept = kept[np.isfinite(kept)]
    if not len(kept):
        return Effect(np.nan, np.nan, np.nan, 0)
    shape = _shape(kept, limits is None)
    t = stdtrit(max(shape.n - 1, 1), (1 + level) / 2)
    widened = t**2 + 0.5
    low = shape.mean - shape.error * (t + np.maximum(-shape.skewed, 0) * widened)
    high = shape.mean + shape.error * (t + np.maximum(shape.skewed, 0) * widened)
    if limits is not None:
        part = (limits[1] - limits[0]) * ((1 - level) / 2) ** (1 / shape.n)
        low, high = min(low, limits[0] + part), max(high, limits[1] - part)
    return Effect(float(shape.mean), float(low), float(high), shape.n)


def cut_to(limits: Limits, effect: Effect) -> Effect:
    """The part of an interval that lies in the range [a, b] of the values.

    The mean of values in [a, b] lies there too, so that the part covers it as often as
    the whole interval does.  An end at a limit excludes nothing on that side.  A mean
    that rounding took past a limit stays inside.
    """
    low = np.clip(effect.low, min(limits[0], effect.value), effect.value)
    high = np.clip(effect.high, effect.value, max(limits[1], effect.value))
    return effect._replace(low=float(low), high=float(high))


def excluded_at(
    values: ArrayLike, bound: ArrayLike, limits: Limits | None = None
) -> Array:
    """1 - the level of the interval of the mean that just reaches ``bound``, by sample.

    A two-sided p-value of "the mean is ``bound``": the interval of level 1 - p ends
    there.  1 where there is no interval.  Values are finite, S is their last axis.
    """
    from scipy.special import stdtr

    values, bound = np.asarray(values, float), np.asarray(bound, float)
    shape = _shape(values, limits is None)
    side = np.where(bound >= shape.mean, 1.0, -1.0)
    a = np.maximum(side * shape.skewed, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        away = side * (bound - shape.mean) / shape.error
        # away = t + a (t^2 + 1 / 2), solved without cancellation for small a
        least = np.maximum(away - a / 2, 0)
        curved = 2 * least / (1 + np.sqrt(1 + 4 * a * least))
    t = np.where(a > 0, curved, least)
    p: Any = 2 * stdtr(max(shape.n - 1, 1), -t)
    p = np.where(np.isnan(p), 1.0, p)
    if limits is None:
        return p
    beyond = np.where(side > 0, limits[1] - bound, bound - limits[0])
    share = np.clip(beyond / (limits[1] - limits[0]), 0, 1)
    return np.maximum(p, np.minimum(1.0, 2 * share**shape.n))


def jackknifed(whole: ArrayLike, without_S: ArrayLike) -> Array:
    """Pseudo-values of a statistic: n times the whole, less n - 1 times without s.

    Their mean is the statistic less its bias of order 1 / n, their standard error that
    of the statistic.  For a mean over seeds they are the seeds' own values.  Means over
    pairs of seeds, and ratios of them, are judged by these: pairs share seeds, so that
    they are no independent units.  Tukey, Ann. Math. Stat. 29, 614 (1958); for pairs
    Arvesen, Ann. Math. Stat. 40, 2076 (1969).
    """
    without = np.asarray(without_S, float)
    n = without.shape[-1]
    return n * np.asarray(whole, float)[..., None] - (n - 1) * without


def _shape(values: Array, guessed: bool) -> _Shape:
    """Summarise samples for their intervals.

    ``guessed``: the skewness is estimated too, and a sample of nearly equal values has
    no standard error, hence no interval.
    """
    n = values.shape[-1]
    mean = values.mean(axis=-1)
    off = values - mean[..., None]
    square = np.mean(off**2, axis=-1)
    if n < 3:
        nothing = np.full(np.shape(mean), np.nan)
        return _Shape(mean, nothing, nothing, n)
    error = np.sqrt(square / (n - 1))
    if not guessed:
        return _Shape(mean, error, np.zeros(np.shape(mean)), n)
    middle = np.median(values, axis=-1)[..., None]
    small = 1e-12 * np.abs(values).max(axis=-1)  # rounding of equal values
    different = np.sum(np.abs(values - middle) > small[..., None], axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        skewness = np.mean(off**3, axis=-1) / square**1.5
    skewness = skewness * np.sqrt(n * (n - 1)) / (n - 2)
    error = np.where(different >= FEWEST_DIFFERENT, error, np.nan)
    return _Shape(mean, error, (1.6 + 500 / n**2) * skewness / (3 * np.sqrt(n)), n)
