"""The result of training a network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popnet.core.cell import Params, moved
from popnet.engine.population import Population, leaves, part, untrained
from popnet.plan import PlannedNetwork
from popnet.status import Status

Array = NDArray[np.float64]


class Trained(NamedTuple):
    """The result of training one network."""

    network: PlannedNetwork
    status: Status
    """converged, unconverged, diverged; trained where no criterion was set."""
    trials: int
    trials_to_criterion: int | None
    final_error: float
    final_accuracy: float
    """Means over the last window of training."""
    curve_trial_C: NDArray[np.int64]
    curve_error_C: Array
    curve_accuracy_C: Array
    initial: Params
    final: Params
    """P = 1, on the CPU."""
    leaves: Mapping[str, Tensor] | None = None
    """All that it needs to train on (``population.leaves``); None: not kept."""


def results(
    population: Population, ended: dict[int, Status], keep: bool = False
) -> list[Trained]:
    """Return the results of the networks that ended; ``ended`` is by index.

    ``keep``: with what each network needs to train on.
    """
    cpu = torch.device("cpu")
    made = []
    for index, status in sorted(ended.items()):
        one = part(population, torch.tensor([index]))
        final = moved(one.params, cpu)
        result = _result(one, status, untrained(one.members, cpu), final)
        if keep:
            kept = {name: leaf.to(cpu) for name, leaf in leaves(one).items()}
            result = result._replace(leaves=kept)
        made.append(result)
    return made


def curve(population: Population, index: int) -> tuple[NDArray[np.int64], Array, Array]:
    """Return one network's curve so far: last trial, error and accuracy of each point.

    The last point may be the mean of fewer trials.
    """
    progress, every = population.progress, population.config.train.curve_every
    trials = int(progress.trial_P[index])
    points = math.ceil(trials / every)
    ends = np.minimum((np.arange(points) + 1) * every, trials)
    counts = np.diff(ends, prepend=0)
    return (
        ends.astype(np.int64),
        progress.curve_error_PC[index, :points].numpy() / counts,
        progress.curve_correct_PC[index, :points].numpy() / counts,
    )


def _result(one: Population, status: Status, initial: Params, final: Params) -> Trained:
    progress = one.progress
    trials = int(progress.trial_P[0])
    reached = int(progress.reached_P[0])
    seen = min(trials, progress.recent_error_PW.shape[1])
    return Trained(
        one.members[0],
        status,
        trials,
        reached if reached >= 0 else None,
        _recent_mean(progress.recent_error_PW[0], seen),
        _recent_mean(progress.recent_correct_PW[0], seen),
        *curve(one, 0),
        initial,
        final,
    )


def _recent_mean(recent_W: Tensor, seen: int) -> float:
    return float(recent_W[-seen:].mean()) if seen else float("nan")
