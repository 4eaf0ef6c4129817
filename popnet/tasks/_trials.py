"""What a task hands out.  B trials, T time steps, I inputs, O outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from popnet.config import TaskSettings
from popnet.core.scoring import Score

Array = NDArray[np.float64]
Wait = Annotated[
    float, Field(ge=0, le=1000, description="between the stimulus and the response")
]
Scored = Annotated[
    Literal["during", "after"],
    Field(description="during: the stimulus stays on to the end of the response"),
]


class Trials(NamedTuple):
    """Trials for one network, B first."""

    input_BTI: Array
    target_BTO: Array
    mask_BTO: NDArray[np.bool_]
    """Where the output is scored."""


class Task(NamedTuple):
    """A task: its settings, its trials, how they are scored, who solves it perfectly.

    ``draw(settings, types_B, dt_s, random)`` gives trials of these types;
    ``observe(settings, input_BTI, dt_s)`` is the ideal observer: outputs [B, T, O] made
    from the inputs alone; None where trials come from another package.
    """

    settings: type[TaskSettings]
    draw: Callable[[Any, NDArray[np.int64], float, np.random.Generator], Trials]
    observe: Callable[[Any, Array, float], Array] | None
    score: Score
    fixed: bool = False
    """Trials of one type are all the same: ``draw`` takes nothing from ``random``."""
