"""A test of whether profiles over levels differ between tasks, and by how much.

T tasks, S seeds (networks that share their random numbers across tasks and levels), L
levels; axes before T are separate experiments.  Both take what a seed has of its own,

    x_tsl = y_tsl - mean over l,  less the mean of that over t

whose mean over seeds, m_tl, is 0 where every task has the same profile.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from popnet.analysis.intervals import jackknifed

Array = NDArray[np.float64]


class Interaction(NamedTuple):
    """The test of an interaction between task and level."""

    statistic: float
    """F of the interaction task x level; about 1 where there is none"""
    p: float
    epsilon: float
    """Huynh and Feldt's: 1 where all differences between cells are alike noisy"""
    n: int


def interaction(values_TSL: ArrayLike) -> Interaction:
    """A test of the null that the profile over levels is the same in every task.

        F = [S sum_tl m_tl^2] / [sum_tsl (x_tsl - m_tl)^2 / (S - 1)]

    the F of task x level in an analysis of variance with repeated measures, d = (T - 1)
    (L - 1).  Levels and tasks share a seed's draws and differ in noise, so that
    F(d, d (S - 1)) rejects a true null too often.  Box's correction, Ann. Math. Stat.
    25, 484 (1954): F(e d, e d (S - 1)), with e by Huynh and Feldt, J. Educ. Stat. 1, 69
    (1976), of Greenhouse and Geisser's e0 = tr(C)^2 / (d tr(C^2)), C the covariance of
    x over seeds:

        e = (S d e0 - 2) / (d (S - 1 - d e0)),   between 1 / d and 1

    A seed with a value that is not finite is left out.  A profile of the same form but
    another size depends on the task too.
    """
    values = np.asarray(values_TSL, float)
    values = values[:, np.isfinite(values).all(axis=(0, 2))]
    tasks, seeds, levels = values.shape
    if tasks < 2 or seeds < 3 or levels < 2:
        return Interaction(np.nan, np.nan, np.nan, seeds)
    f, p, epsilon = interaction_test(values)
    return Interaction(float(f), float(p), float(epsilon), seeds)


def interaction_test(values_TSL: Array) -> tuple[Array, Array, Array]:
    """F, p and epsilon of ``interaction`` for many experiments; values are finite."""
    from scipy.special import fdtrc

    tasks, seeds, levels = values_TSL.shape[-3:]
    d, n = (tasks - 1) * (levels - 1), seeds - 1
    x_SK = _own(values_TSL)
    m_K = x_SK.mean(axis=-2, keepdims=True)
    e_SK = x_SK - m_K
    cross_SS = e_SK @ np.swapaxes(e_SK, -1, -2)
    trace = np.trace(cross_SS, axis1=-2, axis2=-1)
    square = np.sum(cross_SS**2, axis=(-2, -1))
    small = (1e-12 * np.abs(values_TSL).max(axis=(-3, -2, -1))) ** 2
    between = seeds * np.sum(m_K**2, axis=(-2, -1))
    with np.errstate(divide="ignore", invalid="ignore"):
        f = n * between / np.where(trace > small, trace, 0.0)
        e0 = trace**2 / (d * square)
        corrected = (seeds * d * e0 - 2) / (d * (n - d * e0))
    f = np.where(between > small, f, 0.0)  # rounding of equal profiles is no effect
    epsilon = np.where(n > d * e0, corrected, 1.0)
    epsilon = np.clip(np.where(np.isfinite(epsilon), epsilon, 1.0), 1 / d, 1.0)
    p: Any = fdtrc(epsilon * d, epsilon * d * n, f)
    return f, np.asarray(p), epsilon


def interaction_sizes(values_TSL: Array) -> Array:
    """One number per seed whose mean is the size of the interaction, squared.

        f^2 = sum_tl m_tl^2 / (T L)

    estimated without bias, by the products x_s . x_s' of different seeds alone: 0 on
    average where there is no interaction.  The numbers are its ``jackknifed`` values.
    """
    tasks, seeds, levels = values_TSL.shape[-3:]
    x_SK = _own(values_TSL)
    cross_SS = x_SK @ np.swapaxes(x_SK, -1, -2) / (tasks * levels)
    itself_S = np.diagonal(cross_SS, axis1=-2, axis2=-1)
    with_others_S = cross_SS.sum(axis=-1) - itself_S
    total = with_others_S.sum(axis=-1)
    whole = total / (seeds * (seeds - 1))
    without_S = (total[..., None] - 2 * with_others_S) / ((seeds - 1) * (seeds - 2))
    return jackknifed(whole, without_S)


def _own(values_TSL: Array) -> Array:
    """x of this module as [..., S, T * L]."""
    profile = values_TSL - values_TSL.mean(axis=-1, keepdims=True)
    own = profile - profile.mean(axis=-3, keepdims=True)
    moved = np.moveaxis(own, -3, -2)
    return moved.reshape(*moved.shape[:-2], -1)
