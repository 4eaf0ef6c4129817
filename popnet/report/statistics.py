"""Medians, intervals and carried curves: the numbers behind the figures."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

CONFIDENCE = 0.95
RESAMPLES = 4000
SEED = 20_260_403  # fixed, so that the same records give the same page


class Quartiles(NamedTuple):
    """Lower quartile, median and upper quartile."""

    low: float
    median: float
    high: float


class Interval(NamedTuple):
    """A mean over networks, its interval, and how many networks it is over."""

    mean: float
    low: float
    high: float
    networks: int


def quartiles(values: ArrayLike) -> Quartiles:
    """The quartiles of the finite values; NaN where there are none."""
    finite = _finite(values)
    if finite.size == 0:
        return Quartiles(np.nan, np.nan, np.nan)
    return Quartiles(*(float(q) for q in np.quantile(finite, [0.25, 0.5, 0.75])))


def mean_interval(values: ArrayLike) -> Interval:
    """The mean with its 95 % percentile bootstrap interval over networks.

    Efron & Tibshirani (1993), ch. 13. One network has a mean but no interval. The
    resamples depend on the number of values alone, so levels share them.
    """
    finite = _finite(values)
    count = finite.size
    if count == 0:
        return Interval(np.nan, np.nan, np.nan, 0)
    if count == 1:
        return Interval(float(finite[0]), np.nan, np.nan, 1)
    drawn = np.random.default_rng(SEED).integers(count, size=(RESAMPLES, count))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(finite[drawn].mean(axis=1), [tail, 1 - tail])
    return Interval(float(finite.mean()), float(low), float(high), count)


def carried_forward(curves: pd.DataFrame, column: str) -> pd.DataFrame:
    """`column` by trial (rows) and network key (columns).

    A network that has stopped is frozen, so its last block stands for every later
    trial. Without this the median would rise as the fast learners leave.
    """
    wide = curves.pivot(index="trial", columns="key", values=column)
    return wide.astype(float).sort_index().ffill()


def distance_matrix(pairs: pd.DataFrame, keys: list[str]) -> np.ndarray:
    """The symmetric matrix of one metric, in the order of `keys`; NaN = no value."""
    place = pd.Series(range(len(keys)), index=keys)
    both = pairs[pairs["key_a"].isin(keys) & pairs["key_b"].isin(keys)]
    rows = place.loc[both["key_a"]].to_numpy()
    columns = place.loc[both["key_b"]].to_numpy()
    matrix = np.full((len(keys), len(keys)), np.nan)
    matrix[rows, columns] = matrix[columns, rows] = both["value"].to_numpy(float)
    return matrix


def _finite(values: ArrayLike) -> np.ndarray:
    array = np.asarray(values, dtype=float)
    return array[np.isfinite(array)]
