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


def turned_units(rates: NDArray[np.floating]) -> NDArray[np.floating]:
    """Each unit's samples, [..., T, N] in a row, begun at a sample of its own.

    Units then no longer act together, while each keeps its own course.
    """
    samples_SN = rates.reshape(-1, rates.shape[-1])
    samples, units = samples_SN.shape
    turn_N = by_content(rates).integers(samples, size=units)
    place_SN = (np.arange(samples)[:, None] + turn_N) % samples
    return np.take_along_axis(samples_SN, place_SN, 0).reshape(rates.shape)
