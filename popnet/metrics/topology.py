"""Distance between the topologies of two networks' attractors.

L inputs, F points, E kinds of points and ways, P networks, M pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from popnet.analysis import topology as graphs
from popnet.dynamics.connections import topologies
from popnet.dynamics.points import Points
from popnet.metrics._at_rest import RestSettings, points_at_rest
from popnet.metrics._pairs import Prepared
from popnet.metrics._subject import Subject

AWAY = -1
"""Stands for the index of the end of a way that arrives at no point."""
POINT = -2
"""Stands there in the rows that count points, not ways."""
AT_ONCE = 4096
"""Pairs that are subtracted at once, so that memory stays small."""


class AttractorTopology(RestSettings):
    """Points and ways that one network has and the other has not, mean over inputs.

        1 / L sum_l (sum_i |n_li - m_li| + sum_(i, j) |e_lij - f_lij|)

    n, m: numbers of fixed points with i unstable directions at input l of the task's
    rest inputs, roots alone, no slow points; e, f: of ways from a saddle of index i to
    a point of index j, or away (``dynamics.connections``).  A count, no unit.  0 for
    graphs with the same numbers, which need not be equal.  A point that no search found
    counts as none.  Unchanged by flipped signs of units where phi is odd.  NaN where a
    network diverged.
    """

    reference: ClassVar[str] = (
        "popnet; after Maheswaranathan et al. 2019, NeurIPS, and McMahan et al. 2021"
    )
    summary: ClassVar[str] = "how different two networks' fixed points and ways are"
    triangle: ClassVar[bool] = True
    name: Literal["topology"] = "topology"  # type: ignore[assignment]
    connections: Annotated[
        bool, Field(description="compare the ways between points, too")
    ] = True


def attractor_graph(
    settings: AttractorTopology, subject: Subject
) -> dict[str, NDArray[Any]]:
    """The topology at each input as counted rows (input, index, end, count), [E, 4].

    ``end`` is the index in which a way ends, -1 where it ends nowhere, and -2 in rows
    that count points.  Beside it: the number of inputs, 0 of a network that diverged.
    """
    rest, found_L = subject.rest, points_at_rest(settings, subject)
    assert rest is not None
    if found_L is None:
        return _encoded([])
    if not settings.connections:
        return _encoded([_points_alone(found) for found in found_L])
    spread = rest.states.spread if rest.states.spread > 0 else 1.0
    return _encoded(topologies(rest.params, rest.cell, found_L, spread))


def _points_alone(found: Points) -> graphs.Topology:
    return graphs.topology(found.index_F[found.kind_F == "root"].tolist())


def _encoded(made_L: Sequence[graphs.Topology]) -> dict[str, NDArray[Any]]:
    rows: list[tuple[Any, ...]] = []
    for level, made in enumerate(made_L):
        rows += [(level, index, POINT, n) for index, n in made.points.items()]
        for way, n in made.ways.items():
            start, end = way  # type: ignore[misc]
            rows.append((level, start, AWAY if end == "away" else end, n))
    graph_E4 = np.array(sorted(rows), dtype=np.int64).reshape(-1, 4)
    return {"graph_E4": graph_E4, "inputs": np.array([len(made_L)])}


def topology_distance(
    settings: AttractorTopology, a: Sequence[Prepared], b: Sequence[Prepared]
) -> NDArray[np.float64]:
    """The distance of each pair, [M], all at once; NaN where a network diverged.

    Equals ``analysis.topology.topology_distance``.  Each network becomes one row of
    counts, over all kinds of points and ways that any of them has.
    """
    networks = {id(one): one for one in (*a, *b)}  # each of many pairs, once
    place = {key: row for row, key in enumerate(networks)}
    graphs_P = [one["graph_E4"] for one in networks.values()]
    every_E4 = np.concatenate(graphs_P)
    kinds, column_E = np.unique(every_E4[:, :3], axis=0, return_inverse=True)
    count_PK = np.zeros((len(graphs_P), len(kinds)))
    row_E = np.repeat(np.arange(len(graphs_P)), [len(g) for g in graphs_P])
    count_PK[row_E, column_E.reshape(-1)] = every_E4[:, 3]
    inputs_P = np.array([one["inputs"][0] for one in networks.values()])
    a_M, b_M = (np.array([place[id(one)] for one in side], int) for side in (a, b))
    found_M = np.empty(len(a_M))
    for first in range(0, len(a_M), AT_ONCE):
        at = slice(first, first + AT_ONCE)
        found_M[at] = np.abs(count_PK[a_M[at]] - count_PK[b_M[at]]).sum(axis=1)
    same_M = (inputs_P[a_M] == inputs_P[b_M]) & (inputs_P[a_M] > 0)
    return np.where(same_M, found_M / np.maximum(inputs_P[a_M], 1), np.nan)
