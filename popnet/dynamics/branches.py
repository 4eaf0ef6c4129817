"""Fixed points of one network followed through its input, and the graph between them.

U free units, F points, I inputs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from popnet.analysis.continuation import Branch, Problem, follow
from popnet.core.autonomous import (
    Autonomous,
    autonomous,
    jacobian,
    only,
    tangent_map,
    velocity,
)
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


def followed(
    params: Params,
    cell: Cell,
    x_N: Array,
    from_I: Array,
    to_I: Array,
    ds: float = 0.05,
    most: int = 400,
) -> Branch:
    """The branch of the fixed point x of a network (P = 1) through its inputs.

    The parameter p goes from 0 to 1, the input is u = from + p (to - from).  Points at
    which the curve turns or the stability changes are located to rounding.  ``ds``: the
    way between points of the branch, in the length of (x, p).
    """
    ends_LI = np.stack([from_I, to_I]).astype(np.float64)
    networks = autonomous(params, cell, torch.from_numpy(ends_LI)[None])
    x_U = x_N[networks.free_U.numpy()]
    return follow(_through(networks), x_U, 0.0, ds, most, 0.0, 1.0)


def _through(networks: Autonomous) -> Problem:
    """f(x, p) of a network between the first of its two inputs and the second."""
    base = only(networks, 0, 0)
    at_U, change_U = (
        base.drive_PLU[0, 0],
        (networks.drive_PLU[0, 1] - base.drive_PLU)[0, 0],
    )

    def moved(p: float) -> Autonomous:
        return base._replace(drive_PLU=(at_U + p * change_U)[None, None])

    def by_p(x_U: Array, p: float) -> Array:
        if base.form == "current":
            return change_U.numpy()
        # slope phi' of what arrives: the derivative of units without connections, + 1
        one_UU = torch.eye(len(x_U), dtype=torch.float64)
        alone = base._replace(
            w_PUU=one_UU[None], drive_PLU=torch.zeros_like(base.drive_PLU)
        )
        arriving_U = base.w_PUU[0] @ torch.from_numpy(x_U) + at_U + p * change_U
        gain_U = jacobian(alone, arriving_U[None, None, None])[0, 0, 0].diagonal() + 1
        return (gain_U * change_U).numpy()

    return Problem(
        lambda x, p: velocity(moved(p), _one(x))[0, 0, 0].numpy(),
        lambda x, p: jacobian(moved(p), _one(x))[0, 0, 0].numpy(),
        by_p,
        lambda x, p: tangent_map(moved(p), _one(x))[0, 0, 0].numpy(),
    )


def _one(x_U: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(x_U))[None, None, None]


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
