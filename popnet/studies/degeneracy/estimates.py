"""Estimates of a condition, of all its networks and without each of them.

S networks, by the index of their seed, which they share with other conditions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


class Estimate(NamedTuple):
    """A number of a condition, and what it is without the network of each seed."""

    whole: float
    without: dict[int, float]


NOTHING = Estimate(float("nan"), {})


def mean(seed_S: ArrayLike, value_S: ArrayLike) -> Estimate:
    """The mean over networks; those without a number are left out."""
    seed, value = _known(seed_S, value_S)
    if len(value) < 2:
        return NOTHING
    without = (value.sum() - value) / (len(value) - 1)
    return _estimate(value.mean(), seed, without)


def deviation(seed_S: ArrayLike, value_S: ArrayLike) -> Estimate:
    """sqrt(mean of (v - mean v)^2), the population's standard deviation.

    As sigma_OOD in Huang et al. (arXiv 2410.03972), sec. 3, of OOD losses v.
    """
    seed, value = _known(seed_S, value_S)
    if len(value) < 3:
        return NOTHING
    n = len(value) - 1
    mean_S = (value.sum() - value) / n
    # about the whole mean, so that no digits are lost
    off = value - value.mean()
    square_S = (np.sum(off**2) - off**2) / n - (mean_S - value.mean()) ** 2
    without = np.sqrt(np.maximum(square_S, 0.0))
    return _estimate(np.sqrt(np.mean(off**2)), seed, without)


def pair_mean(pairs: pd.DataFrame, column: str = "value") -> Estimate:
    """The mean over pairs of networks, ``seed_a`` and ``seed_b``, that have a number.

    Pairs share networks: without a network all its pairs are left out.
    """
    known = pairs[pairs[column].notna()]
    a, b, value = (known[c].to_numpy() for c in ("seed_a", "seed_b", column))
    if not len(value):
        return NOTHING
    seeds = np.unique(np.concatenate([a, b]))
    if len(seeds) < 3:
        return Estimate(float(np.mean(value.astype(float))), {})
    place_a, place_b = np.searchsorted(seeds, a), np.searchsorted(seeds, b)
    itself = place_a == place_b
    total, count = np.zeros(len(seeds)), np.zeros(len(seeds))
    for place, counted in ((place_a, np.ones(len(value), bool)), (place_b, ~itself)):
        np.add.at(total, place[counted], value[counted].astype(float))
        np.add.at(count, place[counted], 1.0)
    left = len(value) - count
    with np.errstate(divide="ignore", invalid="ignore"):
        without = (value.astype(float).sum() - total) / left
    return _estimate(value.astype(float).mean(), seeds, without)


def _known(seed_S: ArrayLike, value_S: ArrayLike) -> tuple[NDArray[np.int64], Array]:
    seed, value = np.asarray(seed_S, np.int64), np.asarray(value_S, float)
    known = np.isfinite(value)
    return seed[known], value[known]


def _estimate(whole: float, seed: ArrayLike, without: ArrayLike) -> Estimate:
    pairs = zip(np.asarray(seed).tolist(), np.asarray(without).tolist(), strict=True)
    return Estimate(float(whole), dict(pairs))
