"""The fixed points of one network at each of its inputs.

P networks, L inputs, F points, S states, N units, U free units.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from popnet.analysis.distinct_points import distinct, kinds
from popnet.analysis.stability import Stability, is_line_attractor, stability
from popnet.core.autonomous import Autonomous, autonomous, only, tangent_map, whole
from popnet.core.cell import Cell, Params
from popnet.dynamics.starts import Visited, starts, typical_q

Array = NDArray[np.float64]
APART = 1e-3
"""Points closer than this share of the spread of the task's states are one."""
SLOW = 1e-4
"""A slow point's q is at most this share of the typical one: 1 % of the speed."""


class Points(NamedTuple):
    """Distinct fixed points and slow points of one network at one constant input."""

    input_I: Array
    x_FN: Array
    """All units, clamped ones included; roots first, in the order of their residual."""
    residual_F: Array
    """q = |f|^2 / 2, units of x squared."""
    kind_F: NDArray[np.str_]
    """"root" (q <= 1e-16) or "slow"."""
    eigenvalues_FU: NDArray[np.complex128]
    """Eigenvalues of the map of one time step, the largest modulus first."""
    index_F: NDArray[np.int64]
    """Number of unstable directions."""
    margin_F: Array
    """Largest modulus of an eigenvalue less 1."""
    marginal_F: NDArray[np.bool_]
    """Some direction grows or decays by less than 1 / 1,000 per time constant."""
    unique_F: NDArray[np.int64]
    """Number of searches that ended at each point."""
    rejected: int
    """Number of searches that ended at no point."""
    line_attractor: bool
    """The points lie along a line on which the network hardly moves."""

    @property
    def stable_F(self) -> NDArray[np.bool_]:
        """Roots without an unstable direction."""
        return (self.kind_F == "root") & (self.index_F == 0)

    @property
    def signature(self) -> tuple[int, ...]:
        """How many roots have 0, 1, 2 ... unstable directions; () without a root."""
        index = self.index_F[self.kind_F == "root"]
        return tuple(np.bincount(index).tolist()) if len(index) else ()


def points(
    params: Params, cell: Cell, states: Visited, input_LI: Array, count: int = 100
) -> list[Points]:
    """The fixed points of a network (P = 1) at each input, from ``count`` starts each.

    Half of the starts are states of the task, half of a box around them.  What no start
    leads to is not found: the number is a lower bound.
    """
    input_PLI = torch.as_tensor(np.asarray(input_LI), dtype=torch.float64)[None]
    networks = autonomous(params, cell, input_PLI)
    levels = range(input_PLI.shape[1])
    start_FU = [starts(states, networks, count, level) for level in levels]
    from popnet.kernels.roots import solve  # numba: compiled when first used

    found = solve(networks, torch.stack(start_FU)[None])
    ends = zip(found.x_PLFU[0], found.residual_PLF[0], strict=True)
    return [
        _points(only(networks, 0, level), states, input_PLI[0, level], *end)
        for level, end in enumerate(ends)
    ]


def _points(
    networks: Autonomous,
    states: Visited,
    input_I: torch.Tensor,
    x_FU: torch.Tensor,
    residual_F: torch.Tensor,
) -> Points:
    q_F = residual_F.numpy()
    kind_F = kinds(q_F, SLOW * typical_q(states, networks))
    kept_F = kind_F != "rejected"
    size = states.spread if states.spread > 0 else 1.0
    chosen, group_F = distinct(x_FU.numpy()[kept_F], q_F[kept_F], APART * size)
    at = np.flatnonzero(kept_F)[chosen]
    x_FU = x_FU[at]
    tangent_FUU = tangent_map(networks, x_FU[None, None])[0, 0].numpy()
    step = float(networks.step_PU.mean())
    there = stability(tangent_FUU, step) if len(at) else _nothing(x_FU.shape[1])
    return Points(
        input_I.numpy(),
        whole(networks, x_FU).numpy(),
        q_F[at],
        kind_F[at],
        *there,
        np.bincount(group_F, minlength=len(at)),
        int((~kept_F).sum()),
        is_line_attractor(x_FU.numpy(), tangent_FUU, step),
    )


def _nothing(units: int) -> Stability:
    return Stability(
        np.empty((0, units), dtype=np.complex128), np.empty(0, dtype=np.int64),
        np.empty(0), np.empty(0, dtype=bool),
    )  # fmt: skip
