"""Pairs of networks, one after the other, for metrics that have no faster way."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Prepared = Mapping[str, NDArray[Any]]
"""The prepared form of one network: small arrays by name."""


class Certified(NamedTuple):
    """The values of M pairs that a search found, each with its certificate."""

    value_M: NDArray[np.float64]
    bound_M: NDArray[np.float64]
    """No distance is smaller, no similarity larger, whatever the search finds."""
    starts_M: NDArray[np.int64]
    """Starts of the search that ended at the value: 1 of many says it may be missed."""


Values = NDArray[np.float64] | Certified
"""What a metric gives for M pairs."""


def certified(found: Values) -> Certified:
    """Values with their certificates: NaN and 0 where a metric has none."""
    if isinstance(found, Certified):
        return found
    nothing = np.full(found.shape, np.nan)
    return Certified(found, nothing, np.zeros(found.shape, np.int64))


def one_by_one(
    distance: Callable[[Prepared, Prepared], float],
    a: Sequence[Prepared],
    b: Sequence[Prepared],
) -> NDArray[np.float64]:
    """The distance of each pair, [M]."""
    pairs = zip(a, b, strict=True)
    return np.array([distance(one, other) for one, other in pairs], dtype=np.float64)


def by_content(array: NDArray[Any]) -> np.random.Generator:
    """A generator seeded by an array: the same network is always shuffled alike."""
    return np.random.default_rng(zlib.crc32(np.ascontiguousarray(array).tobytes()))
