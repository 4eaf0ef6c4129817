"""Tests over graded levels: trend, and departure from monotony.

    S seeds (networks that share their random numbers across levels), L levels in their
    order, D random draws

A test that draws takes its random generator: the same records and seed give the same
page.  A seed with a value that is not finite is left out of paired tests whole, and
``n`` says how many stayed; where too few stay every number is NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from popnet.analysis.intervals import excluded_at

Array = NDArray[np.float64]
Direction = Literal["increasing", "decreasing"]
ENOUGH = 100
"""Draws no smaller than the data after which p is known to a tenth of itself."""


class Trend(NamedTuple):
    """Whether values rise or fall with the level."""

    value: float
    """Rank correlation with the level, -1 to 1: above 0 where values rise."""
    p: float
    """two-sided"""
    p_predicted: float
    """one-sided, against a trend in the direction predicted"""
    n: int
    """seeds; networks where they are not paired"""


class Departure(NamedTuple):
    """How far level means are from any monotone curve."""

    statistic: float
    """relative to noise, no unit; 0 for monotone means"""
    p: float
    shape: Literal["increasing", "decreasing", "flat", "peak", "valley"] | None
    """of the level means: monotone, or the better of one peak and one valley"""
    n: int


def trend(values_SL: ArrayLike, predicted: Direction = "increasing") -> Trend:
    """A test of a trend over levels that share their seeds, L >= 3.

    Each seed gives one number, the rank correlation of its values with the level
    (Spearman's; 0 where all its values are equal), and p is that of a mean of 0 over
    seeds, by ``popnet.analysis.intervals``.  Levels of one seed share draws, so that
    its values rise or fall together by chance: a test that counts every level as a
    unit, as Page's does, rejects a true null in up to 45 of 100 experiments at 5 %.
    """
    values_SL = _whole(values_SL)
    seeds, levels = values_SL.shape
    if seeds < 2 or levels < 3:
        return Trend(np.nan, np.nan, np.nan, seeds)
    rho_S = np.nan_to_num(rank_correlations(values_SL))
    value, p = float(rho_S.mean()), float(excluded_at(rho_S, 0.0, (-1.0, 1.0)))
    right = value > 0 if predicted == "increasing" else value < 0
    return Trend(value, p, p / 2 if right else 1 - p / 2, seeds)


def rank_correlations(values_SL: ArrayLike) -> Array:
    """Spearman's correlation of each seed's values with the level; ties share ranks.

    NaN for a seed whose values are all equal: it says nothing about a direction.
    """
    from scipy.stats import rankdata

    ranks_SL = rankdata(np.asarray(values_SL, float), axis=-1)
    ranks_SL -= ranks_SL.mean(axis=-1, keepdims=True)
    level_L = np.arange(ranks_SL.shape[-1]) - (ranks_SL.shape[-1] - 1) / 2
    size_S = np.sqrt(np.sum(ranks_SL**2, axis=-1) * np.sum(level_L**2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return (ranks_SL @ level_L) / np.where(size_S > 0, size_S, np.nan)


def jonckheere(
    groups: Sequence[ArrayLike], predicted: Direction = "increasing"
) -> Trend:
    """The Jonckheere-Terpstra test of a trend over groups of different networks.

    J counts the pairs from two groups in which the later group has the larger value, a
    tie half.  J less its mean is half of Kendall's S of value and group, and so is its
    spread among permutations, ties included (Terpstra, Indag. Math. 14, 327, 1952): the
    test is Kendall's, the value his tau-b, p by the normal approximation.
    """
    from scipy.stats import kendalltau, norm

    kept = [np.asarray(group, float) for group in groups]
    kept = [group[np.isfinite(group)] for group in kept]
    level = np.repeat(np.arange(len(kept)), [len(group) for group in kept])
    values = np.concatenate(kept)
    if len(np.unique(level)) < 2 or len(values) < 3:
        return Trend(np.nan, np.nan, np.nan, len(values))
    if len(np.unique(values)) < 2:
        return Trend(0.0, 1.0, 0.5, len(values))
    found: Any = kendalltau(level, values, method="asymptotic")
    tau, p = float(found.statistic), float(found.pvalue)
    z = np.sign(tau) * norm.isf(p / 2)
    one_sided = norm.sf(z if predicted == "increasing" else -z)
    return Trend(tau, p, float(one_sided), len(values))


def draws_needed(tests: int, alpha: float = 0.05) -> int:
    """The draws after which the least p of one test, times ``tests``, is alpha / 10.

    A test by D draws has no p below 1 / (D + 1), however clear the data: by 2,000 draws
    nothing is significant among 120 cells.
    """
    return max(2000, math.ceil(10 * tests / alpha))


def monotone_departure(
    values_SL: ArrayLike,
    random: np.random.Generator,
    tests: int = 1,
    draws: int | None = None,
) -> Departure:
    """A test of the null that means rise, or fall, all along L >= 3 levels.

        u = min over {rising, falling} of sum_l (mean_l - fit_l)^2 / v

    where fit is the isotonic regression of the level means and v the mean square of the
    residuals less the means of seeds and of levels, divided by S.  Null: seeds are
    drawn with replacement from values - mean_l + fit_l with the better fit, and u is
    found anew, v included (without it 12 seeds reject too often).  p is the share of
    draws with u no smaller, the data counted among the draws.  A peak at either end is
    monotone; an inverted U over 6 levels, 1.2 standard deviations high, is found by 12
    seeds in about 70 of 100 experiments at p <= 0.05.

    ``tests``: how many tests this one is corrected with, which sets the number of draws
    (``draws_needed``).  Drawing ends early once 100 draws were no smaller: p is then
    100 over the draws made (Besag & Clifford, Biometrika 78, 301, 1991).  Raises
    ValueError for fewer ``draws`` than allow one of ``tests`` to be significant.
    """
    values_SL = _whole(values_SL)
    seeds, levels = values_SL.shape
    draws = _enough(tests, draws)
    if seeds < 2 or levels < 3:
        return Departure(np.nan, np.nan, None, seeds)
    mean_L = values_SL.mean(axis=0)
    falls = _off(mean_L) > _off(-mean_L)
    fit_L = -_rising_fit(-mean_L) if falls else _rising_fit(mean_L)
    u = _departure(values_SL)
    centred_SL = values_SL - mean_L

    def drawn(count: int) -> Array:
        drawn_DS = random.integers(seeds, size=(count, seeds))
        return _departure(centred_SL[drawn_DS] + fit_L)

    return Departure(float(u), _share(drawn, u, draws), _shape(mean_L), seeds)


def _enough(tests: int, draws: int | None) -> int:
    """Return the number of draws; raises ValueError if too few to reject."""
    draws = draws_needed(tests) if draws is None else draws
    if tests / (draws + 1) > 0.05:
        raise ValueError(
            f"{draws} draws: no p below {1 / (draws + 1):.2g}, which corrected for "
            f"{tests} tests is above 0.05; draw {draws_needed(tests)}."
        )
    return draws


def _whole(values_SL: ArrayLike) -> Array:
    """The seeds of which every value is finite."""
    values = np.asarray(values_SL, float)
    return values[np.isfinite(values).all(axis=1)]


def _share(drawn: Callable[[int], Array], seen: Array, draws: int) -> float:
    """p: the share of draws no smaller than what was seen, itself counted."""
    no_smaller = made = 0
    # a hair below: draws that equal the data but for rounding count
    least = seen * (1 - 1e-9)
    while made < draws:
        hits = np.flatnonzero(drawn(min(1000, draws - made)) >= least)
        if no_smaller + len(hits) >= ENOUGH:
            return ENOUGH / float(made + hits[ENOUGH - no_smaller - 1] + 1)
        no_smaller += len(hits)
        made += min(1000, draws - made)
    return (1 + no_smaller) / (1 + made)


def _rounding(values: Array) -> float:
    """Squares up to this are rounding of values of this size."""
    return float(1e-12 * np.abs(values).max()) ** 2


def _ratio(upper: Array, lower: Array, small: float) -> Array:
    """upper / lower where rounding counts as 0, and 0 / 0 as 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = upper / np.where(lower > small, lower, 0.0)
    return np.where(upper > small, ratio, 0.0)


def _rising_fit(y: Array) -> Array:
    """Isotonic regression along the last axis: max over j <= i, min over k >= i of the
    means of y_j..y_k (Barlow et al. 1972); for all draws at once, which scipy's is not.
    """
    levels = y.shape[-1]
    sums = np.concatenate([np.zeros_like(y[..., :1]), np.cumsum(y, axis=-1)], axis=-1)
    counts_JK = np.arange(levels) - np.arange(levels)[:, None] + 1
    means = (sums[..., None, 1:] - sums[..., :-1, None]) / counts_JK.clip(min=1)
    means = np.where(counts_JK > 0, means, np.inf)
    least = np.minimum.accumulate(means[..., ::-1], axis=-1)[..., ::-1]
    return np.where(counts_JK > 0, least, -np.inf).max(axis=-2)


def _off(y: Array) -> Array:
    """The sum of squared deviations from the best rising curve; of -y: falling."""
    return np.sum((y - _rising_fit(y)) ** 2, axis=-1)


def _departure(values_SL: Array) -> Array:
    """u of ``monotone_departure``; any axes may stand before S and L."""
    seeds, levels = values_SL.shape[-2:]
    mean_L = values_SL.mean(axis=-2)
    e_SL = values_SL - mean_L[..., None, :]
    e_SL = e_SL - e_SL.mean(axis=-1, keepdims=True)
    noise = np.sum(e_SL**2, axis=(-2, -1)) / ((seeds - 1) * (levels - 1) * seeds)
    off = np.minimum(_off(mean_L), _off(-mean_L))
    return _ratio(off, noise, _rounding(values_SL))


def _shape(
    mean_L: Array,
) -> Literal["increasing", "decreasing", "flat", "peak", "valley"]:
    small = _rounding(mean_L)
    rises, falls = _off(mean_L) <= small, _off(-mean_L) <= small
    if rises or falls:
        return "flat" if rises and falls else "increasing" if rises else "decreasing"
    turns = range(1, len(mean_L))
    peak = min(_off(mean_L[:i]) + _off(-mean_L[i:]) for i in turns)
    valley = min(_off(-mean_L[:i]) + _off(mean_L[i:]) for i in turns)
    return "peak" if peak <= valley else "valley"
