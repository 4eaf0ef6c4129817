"""Where one network goes at each of its inputs: points, cycles, tori, chaos.

A search for f(x) = 0 does not see what moves for ever.  Here the network runs, without
input but the constant one, for long; what still moves then is named by its Lyapunov
exponents, and a cycle is confirmed by shooting.  L inputs, F starts, A attractors, U
free units, C exponents.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from popnet.analysis.distinct_points import distinct
from popnet.analysis.lyapunov import lyapunov_exponents
from popnet.analysis.recurrence import (
    Motion,
    main_frequency,
    motion,
    period_steps,
    rests,
)
from popnet.analysis.shooting import Cycle, shoot
from popnet.core.autonomous import Autonomous, autonomous, only
from popnet.core.cell import Cell, Params
from popnet.dynamics.maps import map_of, recorded, run
from popnet.dynamics.starts import Visited, starts

Array = NDArray[np.float64]
SETTLE, WATCHED, COUNTED = 100, 100, 1000
"""Time constants in which a network settles, is watched, and its exponents counted."""
NAMED = 3
"""Exponents that name an attractor: two of them 0 are a torus."""
ALIKE = 0.05
"""Two runs are on one moving attractor where the means and standard deviations of their
units together differ by less than this share of the size of the states."""


class Attractor(NamedTuple):
    """What some of the starts ended in, at one constant input."""

    motion: Motion
    x_U: Array
    """A state on it; of the free units."""
    exponents_C: Array
    """The three largest Lyapunov exponents, per second; NaN for a point at rest."""
    frequency_hz: float
    """With most power; NaN at rest."""
    cycle: Cycle | None
    """The closed orbit that shooting found; None for all but confirmed cycles."""
    starts: int
    """Number of starts that ended in it."""


def attractors(
    params: Params, cell: Cell, states: Visited, input_LI: Array, count: int = 8
) -> list[list[Attractor]]:
    """The attractors of a network (P = 1) that ``count`` starts lead to, by input.

    Half of the starts are states of the task, half of a box around them.
    """
    input_PLI = torch.as_tensor(np.asarray(input_LI), dtype=torch.float64)[None]
    networks = autonomous(params, cell, input_PLI)
    size = states.spread if states.spread > 0 else 1.0
    return [
        _attractors(
            only(networks, 0, level), starts(states, networks, count, level),
            cell.dt_s, size,
        )
        for level in range(input_PLI.shape[1])
    ]  # fmt: skip


def _attractors(
    network: Autonomous, start_FU: torch.Tensor, dt_s: float, size: float
) -> list[Attractor]:
    per_tau = 1 / float(network.step_PU.mean())
    settled_FU = run(network, start_FU, round(SETTLE * per_tau))
    x_FTU = recorded(network, settled_FU, round(WATCHED * per_tau))
    feature_FU = _mean_and_deviation(x_FTU)
    known_F = np.asarray(np.isfinite(feature_FU).all(axis=1))
    still_F = np.array(
        [k and rests(x, size) for k, x in zip(known_F, x_FTU, strict=True)]
    )
    found = []
    for alike, tolerance in ((still_F, 1e-3), (known_F & ~still_F, ALIKE)):
        place_F = np.flatnonzero(alike)
        if len(place_F):
            chosen, group = distinct(
                feature_FU[place_F], np.arange(float(len(place_F))), tolerance * size
            )
            for number, at in enumerate(place_F[chosen]):
                many = int((group == number).sum())
                found.append(_named(network, x_FTU[at], dt_s, bool(still_F[at]), many))
    if not known_F.all():
        lost = int((~known_F).sum())
        nothing_U = np.full(x_FTU.shape[2], np.nan)
        found.append(
            Attractor("unbounded", nothing_U, nothing_U[:NAMED], np.nan, None, lost)
        )
    return found


def _mean_and_deviation(x_FTU: Array) -> Array:
    """Mean and standard deviation of each unit, [F, 2 U], under a Hann window.

    So they hardly depend on the phase in which a cycle is when the watching begins.
    """
    weight_T1 = np.hanning(x_FTU.shape[1] + 2)[1:-1, None]
    weight_T1 = weight_T1 / weight_T1.sum()
    with np.errstate(over="ignore", invalid="ignore"):
        mean_FU = (weight_T1 * x_FTU).sum(axis=1)
        square_FU = (weight_T1 * np.square(x_FTU - mean_FU[:, None])).sum(axis=1)
    return np.concatenate([mean_FU, np.sqrt(square_FU)], axis=1)


def _named(
    network: Autonomous, x_TU: Array, dt_s: float, still: bool, many: int
) -> Attractor:
    x_U, exact = x_TU[-1], map_of(network)
    if still:
        nothing_C = np.full(min(NAMED, len(x_U)), np.nan)
        return Attractor("point", x_U, nothing_C, float("nan"), None, many)
    step = float(network.step_PU.mean())
    count = min(NAMED, len(x_U))
    found_C = lyapunov_exponents(*exact, x_U, count, round(COUNTED / step))
    kind, cycle = motion(found_C / step), None
    if kind == "cycle":
        period = period_steps(x_TU[::-1])
        cycle = None if period is None else shoot(*exact, x_U, period)
    frequency_hz = main_frequency(x_TU) / dt_s
    return Attractor(kind, x_U, found_C / dt_s, frequency_hz, cycle, many)


def spectrum_hz(
    params: Params, cell: Cell, states: Visited, input_I: Array, count: int
) -> Array:
    """The ``count`` largest Lyapunov exponents at one constant input, per second.

    Of the attractor that the visited state nearest to the mean of all leads to.  At a
    point these are log |l| of the eigenvalues, without the error of a finite run.
    """
    input_PLI = torch.as_tensor(np.asarray(input_I), dtype=torch.float64)[None, None]
    network = autonomous(params, cell, input_PLI)
    step = float(network.step_PU.mean())
    apart_S = np.linalg.norm(states.x_SN - states.x_SN.mean(axis=0), axis=1)
    start_FU = torch.from_numpy(states.x_SN[[apart_S.argmin()]])[:, network.free_U]
    settled_FU = run(network, start_FU, round(SETTLE / step))
    x_TU = recorded(network, settled_FU, round(WATCHED / step))[0]
    x_U, some = x_TU[-1], min(count, x_TU.shape[1])
    if rests(x_TU, states.spread if states.spread > 0 else 1.0):
        modulus_U = np.abs(np.linalg.eigvals(map_of(network).tangent(x_U)))
        return -np.sort(-np.log(np.maximum(modulus_U, 1e-300)))[:some] / cell.dt_s
    return (
        lyapunov_exponents(*map_of(network), x_U, some, round(COUNTED / step))
        / cell.dt_s
    )
