"""Topologies of attractors as graphs, how far they differ, and whether groups do.

A topology is, for each input, how many fixed points have each number of unstable
directions, and how many connections lead from one kind of point to another.  It knows
neither positions nor units.  P networks, L inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.seeding import stream

Array = NDArray[np.float64]


class Topology(NamedTuple):
    """The graph of fixed points at one input, of nodes known by their index alone."""

    points: Counter[Hashable]
    """Number of fixed points by number of unstable directions."""
    ways: Counter[Hashable]
    """Number of connections by (index where they start, index where they end)."""


def topology(
    index_F: Sequence[int], connections: Iterable[tuple[int, int]] = ()
) -> Topology:
    """Of points with these indices and ways between their places; -1: to no point."""
    names: dict[int, Hashable] = {f: int(index) for f, index in enumerate(index_F)}
    names[-1] = "away"
    ways = Counter[Hashable]((names[a], names[b]) for a, b in connections)
    return Topology(Counter[Hashable](int(i) for i in index_F), ways)


def topology_distance(one_L: Sequence[Topology], other_L: Sequence[Topology]) -> float:
    """Mean over inputs of the points and ways that one has and the other has not.

        sum_i |n_i - m_i| + sum_(i, j) |e_ij - f_ij|,   a metric

    n, m: numbers of points of index i; e, f: of ways from index i to index j.  0 for
    graphs with the same numbers; at most the edit distance of the graphs, in which a
    point or a way that is added or taken away counts 1.
    """
    if len(one_L) != len(other_L):
        raise ValueError("the topologies are not at the same number of inputs")
    pairs = list(zip(one_L, other_L, strict=True))
    return float(
        np.mean([_apart(a.points, b.points) + _apart(a.ways, b.ways) for a, b in pairs])
    )


def _apart(one: Counter[Hashable], other: Counter[Hashable]) -> int:
    return sum(abs(one[key] - other[key]) for key in one.keys() | other.keys())


def distances(networks: Sequence[Sequence[Topology]]) -> Array:
    """Topology distances of every two networks, [P, P]."""
    count = len(networks)
    square_PP = np.zeros((count, count))
    for a in range(count):
        for b in range(a):
            found = topology_distance(networks[a], networks[b])
            square_PP[a, b] = square_PP[b, a] = found
    return square_PP


class TopologySeparation(NamedTuple):
    """How far groups are apart, and how often by chance."""

    ratio: float
    """Mean distance between groups by that within them; 1: none; NaN where undefined.
    """
    p_value: float
    """Share of permutations of the labels with at least this difference of the means,
    the identity among them."""


def separation(
    distance_PP: Array, label_P: Sequence[Hashable], permutations: int = 1999
) -> TopologySeparation:
    """Whether networks of one label are nearer to each other than to the others.

    The statistic is the mean distance between labels less the mean within; the null
    exchanges labels.  Anderson, Austral Ecology 2001;26:32, is its kin for squares.
    """
    group_P = np.unique([repr(label) for label in label_P], return_inverse=True)[1]
    random = stream("analysis/topology/permutations")
    between, within = _means(distance_PP, group_P)
    if not np.isfinite([between, within]).all():
        return TopologySeparation(float("nan"), float("nan"))
    observed, extreme = between - within, 1
    for _ in range(permutations):
        other, inner = _means(distance_PP, random.permutation(group_P))
        extreme += other - inner >= observed - 1e-12
    ratio = between / within if within > 0 else float("nan")
    return TopologySeparation(ratio, extreme / (permutations + 1))


def _means(distance_PP: Array, group_P: NDArray[np.int64]) -> tuple[float, float]:
    same_PP = group_P[:, None] == group_P[None]
    upper_PP = np.triu(np.ones_like(same_PP), 1)
    parts = (distance_PP[upper_PP & ~same_PP], distance_PP[upper_PP & same_PP])
    between, within = (float(p.mean()) if len(p) else np.nan for p in parts)
    return between, within
