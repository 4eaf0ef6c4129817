"""The published comparison of attractor topologies, by inputs of neighbouring points.

L inputs, F fixed points, N units, M pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from popnet.core.cell import closed, rates
from popnet.core.rollout import readout
from popnet.dynamics.at_rest import AtRest
from popnet.dynamics.points import Points
from popnet.metrics._at_rest import RestSettings, points_at_rest
from popnet.metrics._pairs import Prepared
from popnet.metrics._subject import Subject

POINTS, NEIGHBOURS = 10, 3
CHANNEL = 0
"""The input channel whose value is taken for the evidence, in every context."""
DIGITS = 9
"""Sizes of inputs and outputs that agree in so many decimals are equal: rounding must
not order +u and -u."""
AT_ONCE = 4096
"""Pairs that are subtracted at once, so that memory stays small."""


class NeighbourInputs(RestSettings):
    """Euclidean distance of the evidence at the neighbours of 10 fixed points.

        || v_a - v_b ||,  v: 10 points x 3 nearest points in state space, 30 numbers

    All fixed points at all rest inputs, stable and unstable, in the order of |u|, the
    smallest first; of each of the first 10 the evidence under which its 3 nearest
    fixed points lie.  In the unit of the input.  A distance between the vectors, of
    which many networks share one.  Oddities that are the paper's own:

    - a point is its own nearest neighbour, so every third number is its own evidence;
    - 10 points of, say, 33 count, those at the weakest evidence; how many points there
      are at each input shifts all that follow, so the value mixes their number, their
      order and the spacing of the inputs;
    - the evidence is that of channel 0, and 0 in every context of another channel;
    - networks with fewer than 10 points have no vector: NaN here, an error there.

    Not the paper's: points are roots alone (theirs may be none, they test no residual);
    points at one input are in the order of their unstable directions, their output and
    their |x|, theirs in that of discovery, which depends on the labels of units; inputs
    of one size are in the task's order; the rest inputs are the task's 11 per context,
    where theirs are 21.  NaN where a network diverged.
    """

    reference: ClassVar[str] = "McMahan, Kleinman & Kao 2021, NeurIPS (topology)"
    summary: ClassVar[str] = "how different the inputs of neighbouring fixed points are"
    triangle: ClassVar[bool] = True
    name: Literal["neighbour_inputs"] = "neighbour_inputs"  # type: ignore[assignment]


def neighbour_evidence(
    settings: NeighbourInputs, subject: Subject
) -> dict[str, NDArray[Any]]:
    """The evidence at the neighbours, [30], all NaN of a network without 10 points.

    Beside it stands the number of fixed points at all inputs.
    """
    rest, found_L = subject.rest, points_at_rest(settings, subject)
    assert rest is not None
    states, evidence = [], []
    if found_L is not None:
        for level in _by_size(rest.input_LI):
            x_FN = _in_order(rest, found_L[level])
            states.append(x_FN)
            evidence += [rest.input_LI[level, CHANNEL]] * len(x_FN)
    found = np.full(POINTS * NEIGHBOURS, np.nan)
    if len(evidence) >= POINTS:
        found = _at_neighbours(np.concatenate(states), np.array(evidence))
    return {"evidence": found, "points": np.array([len(evidence)])}


def _by_size(input_LI: NDArray[np.float64]) -> list[int]:
    """Places of the inputs, the smallest Euclidean norm first, then as they stand."""
    size_L = np.linalg.norm(input_LI, axis=1).round(DIGITS)
    return np.argsort(size_L, kind="stable").tolist()


def _in_order(rest: AtRest, found: Points) -> NDArray[np.float64]:
    """Roots [F, N] in an order that knows no labels of units."""
    root_F = found.kind_F == "root"
    x_FN = found.x_FN[root_F]
    params = closed(rest.params)
    r_PFN = rates(params, rest.cell, torch.from_numpy(x_FN)[None])
    output_F = readout(params, rest.cell, r_PFN[:, None])[0, 0, :, 0].numpy()
    size_F = np.linalg.norm(x_FN, axis=1)
    keys = size_F, output_F.round(DIGITS), found.index_F[root_F]
    return x_FN[np.lexsort(keys)]


def _at_neighbours(
    x_FN: NDArray[np.float64], evidence_F: NDArray[np.float64]
) -> NDArray[np.float64]:
    first_FN = x_FN[:POINTS]
    apart_FF = np.linalg.norm(first_FN[:, None] - x_FN[None], axis=2)
    apart_FF[np.arange(POINTS), np.arange(POINTS)] = -1  # itself first
    near_F3 = np.argsort(apart_FF, axis=1, kind="stable")[:, :NEIGHBOURS]
    return evidence_F[near_F3].reshape(-1)


def evidence_distance(
    settings: NeighbourInputs, a: Sequence[Prepared], b: Sequence[Prepared]
) -> NDArray[np.float64]:
    """The Euclidean distance of each pair's 30 numbers, [M], all at once."""
    found_M = np.empty(len(a))
    for first in range(0, len(a), AT_ONCE):
        at = slice(first, first + AT_ONCE)
        one, other = (np.stack([p["evidence"] for p in side[at]]) for side in (a, b))
        found_M[at] = np.linalg.norm(one - other, axis=1)
    return found_M
