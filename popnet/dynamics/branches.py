"""Fixed points of one network followed through its input.

U free units, L inputs, I input channels, N units.
"""

from __future__ import annotations

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

Array = NDArray[np.float64]


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
