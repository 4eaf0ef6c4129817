"""Tests over graded levels: trend, departure from monotony, dependence on the task.

    S seeds (networks that share their random numbers across levels), L levels in their
    order, T tasks, D random draws

A test that draws takes its random generator: the same records and seed give the same
page.  A seed with a value that is not finite is left out of paired tests whole, and
``n`` says how many stayed; where too few stay every number is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Direction = Literal["increasing", "decreasing"]


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


class Interaction(NamedTuple):
    """Whether the profile over levels depends on the task."""

    statistic: float
    """F of the interaction task x level; about 1 where there is none"""
    p: float
    n: int


def trend(values_SL: ArrayLike, predicted: Direction = "increasing") -> Trend:
    """Page's test of a trend over levels that share their seeds, S >= 2 and L >= 3.

    Page, J. Am. Stat. Assoc. 58, 216 (1963), as in scipy.  The value is the mean over
    seeds of Spearman's correlation of value and level, a linear function of Page's L:

        rho = 12 L / (S n (n^2 - 1)) - 3 (n + 1) / (n - 1)       n levels

    Two-sided p is twice the smaller one-sided p.  Ties make p too large, if anything.
    """
    from scipy.stats import page_trend_test

    values_SL = _whole(values_SL)
    seeds, n = values_SL.shape
    if seeds < 2 or n < 3:
        return Trend(np.nan, np.nan, np.nan, seeds)
    rising, falling = page_trend_test(values_SL), page_trend_test(-values_SL)
    rho = 12 * rising.statistic / (seeds * n * (n**2 - 1)) - 3 * (n + 1) / (n - 1)
    p = min(1.0, 2 * min(rising.pvalue, falling.pvalue))
    one_sided = rising if predicted == "increasing" else falling
    return Trend(float(rho), float(p), float(one_sided.pvalue), seeds)


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
    if len(np.unique(level)) < 2:
        return Trend(np.nan, np.nan, np.nan, len(values))
    if len(np.unique(values)) < 2:
        return Trend(0.0, 1.0, 0.5, len(values))
    found: Any = kendalltau(level, values, method="asymptotic")
    tau, p = float(found.statistic), float(found.pvalue)
    z = np.sign(tau) * norm.isf(p / 2)
    one_sided = norm.sf(z if predicted == "increasing" else -z)
    return Trend(tau, p, float(one_sided), len(values))


def monotone_departure(
    values_SL: ArrayLike, random: np.random.Generator, draws: int = 2000
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
    """
    values_SL = _whole(values_SL)
    seeds, levels = values_SL.shape
    if seeds < 2 or levels < 3:
        return Departure(np.nan, np.nan, None, seeds)
    mean_L = values_SL.mean(axis=0)
    falls = _off(mean_L) > _off(-mean_L)
    fit_L = -_rising_fit(-mean_L) if falls else _rising_fit(mean_L)
    drawn_DS = random.integers(seeds, size=(draws, seeds))
    u = _departure(values_SL)
    u_D = _departure((values_SL - mean_L)[drawn_DS] + fit_L)
    return Departure(float(u), _share(u_D, u), _shape(mean_L), seeds)


def interaction(
    values_TSL: ArrayLike, random: np.random.Generator, draws: int = 2000
) -> Interaction:
    """A test of the null that the profile over levels is the same in every task.

        F = [S sum_tl (m_tl - m_l)^2 / (T - 1)] / [sum_tsl e_tsl^2 / ((T - 1) (S - 1))]

    where each seed's values in a task are taken less their mean over levels, m_tl is
    the mean of these over seeds, m_l over tasks too, and e what remains less the mean
    of the seed over tasks: the F of task x level in an analysis of variance with
    repeated measures.  Null: seeds are drawn with replacement from the e of all tasks
    together, and F is found anew.  So tasks may differ in noise: there, exchanging the
    tasks within seeds rejects a true null in up to 20 of 100 experiments at p <= 0.05.
    A profile of the same form but another size depends on the task too.
    """
    values = np.asarray(values_TSL, float)
    values = values[:, np.isfinite(values).all(axis=(0, 2))]
    tasks, seeds, levels = values.shape
    if tasks < 2 or seeds < 2 or levels < 2:
        return Interaction(np.nan, np.nan, seeds)
    profile_TSL = values - values.mean(axis=2, keepdims=True)
    own_TSL = profile_TSL - profile_TSL.mean(axis=0)
    e_TSL = own_TSL - own_TSL.mean(axis=1, keepdims=True)
    drawn_DS = random.integers(seeds, size=(draws, seeds))
    f = _f_ratio(own_TSL, _rounding(values))
    f_D = _f_ratio(np.moveaxis(e_TSL[:, drawn_DS], 1, 0), _rounding(values))
    return Interaction(float(f), _share(f_D, f), seeds)


def _f_ratio(own_TSL: Array, small: float) -> Array:
    """F of ``interaction``; any axes may stand before T, S and L."""
    seeds = own_TSL.shape[-2]
    mean_T1L = own_TSL.mean(axis=-2, keepdims=True)
    between = seeds * np.sum(mean_T1L**2, axis=(-3, -2, -1))
    within = np.sum((own_TSL - mean_T1L) ** 2, axis=(-3, -2, -1))
    return (seeds - 1) * _ratio(between, within, small)


def _whole(values_SL: ArrayLike) -> Array:
    """The seeds of which every value is finite."""
    values = np.asarray(values_SL, float)
    return values[np.isfinite(values).all(axis=1)]


def _share(drawn_D: Array, seen: Array) -> float:
    """p: the share of draws no smaller than what was seen, itself counted."""
    # a hair below: draws that equal the data but for rounding count
    return float((1 + np.sum(drawn_D >= seen * (1 - 1e-9))) / (1 + len(drawn_D)))


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
