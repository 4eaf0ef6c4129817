"""One stimulus, a delay, an answer: the simplest working-memory task.

In the input layout and step size of ``matching``, so that networks move between them.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from popnet.config import TaskSettings
from popnet.config.settings import Seconds
from popnet.tasks._trials import Array, Trials
from popnet.tasks.matching import CHANNELS, A, B


class DelayedResponse(TaskSettings):
    """A asks for -, B for +, after a delay without input."""

    reference: ClassVar[str] = "popnet, in the layout of Miconi 2017"
    summary: ClassVar[str] = "which of two stimuli was shown before the delay?"
    stretchable: ClassVar[tuple[str, ...]] = ("stimulus", "delay")

    name: Literal["delayed_response"] = "delayed_response"  # type: ignore[assignment]
    stimulus_s: Seconds = 0.2
    delay_s: Seconds = 0.4
    response_s: Seconds = 0.2
    target: Annotated[float, Field(gt=0, le=1, description="output asked for")] = 0.98

    @property
    def inputs(self) -> int:
        """Channels of the shared layout."""
        return CHANNELS

    @property
    def outputs(self) -> int:
        """One decision."""
        return 1

    @property
    def types(self) -> int:
        """A, B."""
        return 2

    @property
    def epochs_s(self) -> dict[str, float]:
        """Durations by epoch, in order, in seconds."""
        return {
            "stimulus": self.stimulus_s,
            "delay": self.delay_s,
            "response": self.response_s,
        }

    @property
    def memory_demand_s(self) -> float:
        """From the end of the stimulus to the end of the response, in seconds."""
        return self.delay_s + self.response_s


def draw(
    settings: DelayedResponse,
    types_B: NDArray[np.int64],
    dt_s: float,
    random: np.random.Generator,
) -> Trials:
    """Trials of types A, B (0, 1).  Nothing in them is random."""
    count, steps = len(types_B), settings.steps(dt_s)
    stimulus = round(settings.stimulus_s / dt_s)
    inputs = np.zeros((count, steps, CHANNELS))
    inputs[:, 1 : stimulus + 1, A] = (types_B == 0)[:, None]
    inputs[:, 1 : stimulus + 1, B] = (types_B == 1)[:, None]
    answer_B = settings.target * np.where(types_B == 0, -1.0, 1.0)
    target = np.broadcast_to(answer_B[:, None, None], (count, steps, 1))
    mask = np.zeros((count, steps, 1), dtype=bool)
    mask[:, -round(settings.response_s / dt_s) :] = True
    return Trials(inputs, target, mask)


def observe(settings: DelayedResponse, input_BTI: Array, dt_s: float) -> Array:
    """Holds the sign of the summed evidence."""
    evidence_BT = np.cumsum(input_BTI[..., B] - input_BTI[..., A], axis=1)
    return settings.target * np.sign(evidence_BT)[..., None]
