"""Trials of a task for its checks, and their scores.

B trials, T time steps, O outputs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from popnet.config import TaskSettings
from popnet.core.scoring import Scores
from popnet.tasks import TASKS, Trials
from popnet.testing.checking import example_of

DT_S = 0.001
PER_TYPE = 30


class Drawn(NamedTuple):
    """Some trials of each type of a task."""

    settings: TaskSettings
    types_B: NDArray[np.int64]
    trials: Trials


def drawn(
    name: str,
    dt_s: float = DT_S,
    per_type: int = PER_TYPE,
    settings: Any = None,
) -> Drawn:
    """Trials of each type, always from the same stream."""
    settings = settings or example_of(TASKS[name].settings)
    types_B = np.repeat(np.arange(settings.types), per_type)
    random = np.random.default_rng(0)
    return Drawn(settings, types_B, TASKS[name].draw(settings, types_B, dt_s, random))


def scored(name: str, output_BTO: NDArray[Any], trials: Trials) -> Scores:
    """Scores of these outputs, as those of one network."""
    parts = (output_BTO, trials.target_BTO, trials.mask_BTO)
    return TASKS[name].score(*(torch.from_numpy(np.array(p))[None] for p in parts))


def share_correct(name: str, output_BTO: NDArray[Any], trials: Trials) -> float:
    """Share of trials in which these outputs are correct."""
    return float(scored(name, output_BTO, trials).correct_PB.double().mean())
