"""The arrays that measures are given, one kind for each thing a measure may need.

B trials, K trial types, T time steps, N units, C blocks of trials of a learning curve.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from popnet.core.cell import Cell, Params


class WeightsSeen(NamedTuple):
    """The weights of one network, before and after training."""

    initial_NN: NDArray[np.floating]
    """Recurrent weights, [post, pre], with the output fed back among them."""
    final_NN: NDArray[np.floating]
    tau_N: NDArray[np.floating]
    """Time constants in seconds, after training."""
    output_unit: int | None
    """The unit that is read out; None where the readout is a sum over units."""


class ActivitySeen(NamedTuple):
    """Mean rates over the trials of each type."""

    rates_KTN: ArrayLike
    dt_s: float


class ChangeSeen(NamedTuple):
    """Some activity beside that of the trained network at rest."""

    rest_KTN: ArrayLike
    rates_KTN: ArrayLike
    dt_s: float


class TrialsSeen(NamedTuple):
    """Some activity beside that of the trained network at rest, trial by trial."""

    rest_BTN: ArrayLike
    """At the same share of the same epoch of the task, where epochs were stretched."""
    rates_BTN: ArrayLike
    dt_s: float


class CurveSeen(NamedTuple):
    """The learning curve of one network: means over blocks of trials."""

    trial_C: ArrayLike
    """The trial at which each block ends."""
    error_C: ArrayLike
    accuracy_C: ArrayLike
    """The share of each block's trials that were correct."""
    trials_to_criterion: float | None
    """None where the criterion was never met."""
    criterion: float = 0.95
    """The accuracy that the network was trained to; NaN where it was none."""


class ChoicesSeen(NamedTuple):
    """Decisions of one network on evidence of graded strength, [B]."""

    evidence_B: ArrayLike
    """Mean evidence for +, in the unit of the task's input."""
    plus_B: ArrayLike
    """1 where the decision was +, 0 where it was -, NaN where there was none."""


class NetworkTrials(NamedTuple):
    """Trials of a network's own task, float64 tensors on the CPU; P = 1."""

    input_PBTI: Tensor
    target_PBTO: Tensor
    mask_PBTO: Tensor
    """Where the output is scored."""
    x0_PBN: Tensor
    """The states in which the trials begin."""


class NetworkSeen(NamedTuple):
    """One network (P = 1) with trials of its task, to be run and differentiated."""

    initial: Params
    """As it was drawn, in float64 on the CPU; the output fed back is in its weights."""
    final: Params
    cell: Cell
    trials: Callable[[int], NetworkTrials]
    """So many common trials or a few more, without the network's noise."""
    gamma: float | None
    """The strength of feature learning, for networks trained in J = N W and V = gamma N
    W_out (``core.feature_learning``); None for all others."""
    clean: bool
    """No noise and no random start acts on it, so that its loss is one number."""
    kept: dict[Any, Any] | None = None
    """What measures of this network share, computed once; None: nothing is kept."""
    rest_LI: tuple[tuple[float, ...], ...] = ()
    """Constant inputs at which its attractors are looked for, L of them; none: no input
    on any channel alone."""


Seen = (
    WeightsSeen
    | ActivitySeen
    | ChangeSeen
    | TrialsSeen
    | CurveSeen
    | NetworkSeen
    | ChoicesSeen
)
Found = Any
"""The value of a measure: a float, or an array [T] where it is given over time."""
