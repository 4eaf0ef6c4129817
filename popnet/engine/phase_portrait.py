"""One network's states in trials of its task, with its fixed points, in a plane.

    z = (x - m) V,   V the first two principal components of the states x, m their mean

Sussillo & Barak, Neural Comput 2013;25:626, fig. 3.  L inputs, B trials, S = T + 1 time
steps, R runs, F points, N units, I inputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from popnet.core.autonomous import Autonomous, autonomous, only, whole
from popnet.core.cell import Cell, Params, closed
from popnet.core.draw import cell_of
from popnet.core.rollout import drive, rollout
from popnet.dynamics.maps import recorded
from popnet.dynamics.points import Points, points
from popnet.dynamics.starts import TRIALS, Visited, visited_states
from popnet.engine.episodes import initial_states
from popnet.engine.evaluate import common_trials
from popnet.kernels import reproducible
from popnet.plan import PlannedNetwork

Array = NDArray[np.float64]
RUNS, SETTLE = 12, 20
"""Runs at each constant input, and how many mean time constants each lasts."""


class Portrait(NamedTuple):
    """The dynamics of one network at constant inputs, in the plane of its states."""

    input_LI: Array
    points_L: list[Points]
    z_BS2: Array
    """The states in trials of the task, units of x."""
    type_B: NDArray[np.int64]
    run_LRS2: Array
    """From states of these trials on, at each constant input."""
    point_LF2: list[Array]
    """The points of ``points_L``."""
    explained_2: Array
    """The share of the variance of the states along each component."""


def phase_portrait(
    network: PlannedNetwork, final: Params, input_LI: Array, starts: int
) -> Portrait | None:
    """The portrait of a trained network (P = 1); None where it diverges, or N = 1.

    ``starts``: searches for fixed points at each of the constant inputs.  States and
    starts are those of the measures of fixed points, in float64.
    """
    config, seed = network.config, network.seed
    net, task = config.network, config.task
    trials, type_B = common_trials(task, -(-TRIALS // task.types), net.dt_s, seed.sweep)
    x0_BN = initial_states(net, seed, "evaluation/initial_state", range(len(type_B)))
    input_PBTI, x0_PBN = (
        torch.from_numpy(np.array(a)).double()[None] for a in (trials.input_BTI, x0_BN)
    )
    cell = cell_of(net)
    with reproducible():
        made = (leaf if leaf is None else leaf.cpu().double() for leaf in closed(final))
        params = Params(*made)  # type: ignore[arg-type]
        driven = drive(params, input_PBTI, None)
        x_BSN = rollout(params, cell, driven, x0_PBN).x_PBSN[0].numpy()
    if not np.isfinite(x_BSN).all() or x_BSN.shape[2] == 1:
        return None
    states = visited_states(x_BSN)
    found_L = points(params, cell, states, input_LI, starts)
    mean_N, plane_N2, explained_2 = _plane(states.x_SN)
    run_LRSN = _runs(params, cell, states, input_LI)
    return Portrait(
        input_LI,
        found_L,
        (x_BSN - mean_N) @ plane_N2,
        np.asarray(type_B),
        np.stack([(run_RSN - mean_N) @ plane_N2 for run_RSN in run_LRSN]),
        [(found.x_FN - mean_N) @ plane_N2 for found in found_L],
        explained_2,
    )


def _plane(x_SN: Array) -> tuple[Array, Array, Array]:
    """Mean [N], first two principal components [N, 2] and their shares of variance.

    The entry of a component that is largest is positive: else the sign, and with it
    the drawing, would hang on the machine.
    """
    mean_N = x_SN.mean(axis=0)
    variance_N, axis_NN = np.linalg.eigh(np.cov(x_SN.T))
    plane_N2 = axis_NN[:, :-3:-1]
    largest_2 = np.abs(plane_N2).argmax(axis=0)
    plane_N2 = plane_N2 * np.sign(plane_N2[largest_2, [0, 1]])
    total = max(variance_N.sum(), np.finfo(float).tiny)
    return mean_N, plane_N2, variance_N[:-3:-1] / total


def _runs(
    params: Params, cell: Cell, states: Visited, input_LI: Array
) -> Iterator[Array]:
    """The states [R, S, N] of runs at one input after the other, from some states."""
    place_R = np.linspace(0, len(states.x_SN) - 1, RUNS).round().astype(int)
    networks = autonomous(params, cell, torch.from_numpy(input_LI)[None])
    start_RU = torch.from_numpy(states.x_SN[place_R])[:, networks.free_U]
    steps = round(SETTLE / float(networks.step_PU.mean()))

    def run(network: Autonomous) -> Array:
        x_RSU = torch.from_numpy(recorded(network, start_RU, steps))
        return whole(network, x_RSU).numpy()

    return (run(only(networks, 0, at)) for at in range(len(input_LI)))
