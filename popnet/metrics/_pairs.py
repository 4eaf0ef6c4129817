"""Pairs of networks, one after the other, for metrics that have no faster way."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Prepared = Mapping[str, NDArray[Any]]
"""The prepared form of one network: small arrays by name."""


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
