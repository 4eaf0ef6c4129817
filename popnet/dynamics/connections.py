"""The graph of one network's fixed points: which way leads from which to which.

U free units, F points, L inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from popnet.analysis.topology import Topology, topology
from popnet.core.autonomous import autonomous
from popnet.core.cell import Cell, Params
from popnet.dynamics.maps import map_of, run
from popnet.dynamics.points import Points

Array = NDArray[np.float64]
OFF = 1e-3
"""How far from a saddle its unstable directions are left for, in the task's spread."""
LONG = 200
"""Time constants after which a way along an unstable direction must have arrived."""
ARRIVED = 0.01
"""A way has arrived where it is this near to a point, as a share of the spread."""
AWAY = -1
"""The end of a way that arrives at no point found: it moves for ever, or leaves."""


class Connection(NamedTuple):
    """A way that leaves a saddle along an unstable direction."""

    start: int
    """Place of the saddle among the points."""
    end: int
    """Place of the point that it arrives at; -1: at none of them."""


def connections(
    params: Params, cell: Cell, found: Points, spread: float
) -> tuple[Connection, ...]:
    """The heteroclinic graph of a network (P = 1) at one input, each edge once.

    From each unstable root, both ways along each unstable eigenvector (its real and
    its imaginary part, where it is one of a pair), the network runs for 200 time
    constants.  A way ends at the nearest root within 1 % of ``spread``, the size of the
    task's states.  After Maheswaranathan et al., NeurIPS 2019.
    """
    input_PLI = torch.from_numpy(found.input_I)[None, None]
    network = autonomous(params, cell, input_PLI)
    x_FU = found.x_FN[:, network.free_U.numpy()]
    root = np.flatnonzero(found.kind_F == "root")
    starts, leaving = [], []
    for place in root[found.index_F[root] > 0]:
        values_U, vectors_UU = np.linalg.eig(map_of(network).tangent(x_FU[place]))
        for vector_U in _real(vectors_UU[:, np.abs(values_U) > 1].T):
            for sign in (1, -1):
                starts.append(int(place))
                leaving.append(x_FU[place] + sign * OFF * spread * vector_U)
    if not starts:
        return ()
    steps = round(LONG / float(network.step_PU.mean()))
    end_FU = run(network, torch.from_numpy(np.array(leaving)), steps).numpy()
    edges = set()
    for start, end_U in zip(starts, end_FU, strict=True):
        apart = np.linalg.norm(x_FU[root] - end_U, axis=1)
        near = bool(apart.min() <= ARRIVED * spread)
        edges.add(Connection(start, int(root[apart.argmin()]) if near else AWAY))
    return tuple(sorted(edges))


def _real(vectors_FU: NDArray[np.complex128]) -> Array:
    """Real directions of length 1 of eigenvectors; of each pair both parts, once."""
    parts = []
    for vector_U in vectors_FU:
        for part_U in (np.real(vector_U), np.imag(vector_U)):
            size = np.linalg.norm(part_U)
            if size > 1e-8:
                parts.append(part_U / size)
    return np.array(parts).reshape(-1, vectors_FU.shape[1])


def topologies(
    params: Params, cell: Cell, found_L: Sequence[Points], spread: float
) -> list[Topology]:
    """The topology of a network (P = 1) at each input, of its roots and their ways.

    For ``popnet.analysis.topology``: distances between networks, and their null.
    """
    made = []
    for found in found_L:
        root_F = np.flatnonzero(found.kind_F == "root")
        place = {int(f): i for i, f in enumerate(root_F)} | {AWAY: AWAY}
        ways = connections(params, cell, found, spread)
        made.append(
            topology(
                found.index_F[root_F].tolist(),
                [(place[way.start], place[way.end]) for way in ways],
            )
        )
    return made
