"""Stimuli that stay on while the answer is given: nothing has to be remembered.

In the input layout and step size of ``matching``, so that networks move between them.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from popnet.config import PerNetwork, TaskSettings
from popnet.config.settings import Seconds
from popnet.tasks._trials import Array, Trials
from popnet.tasks.matching import CHANNELS, A, B


class Memoryless(TaskSettings):
    """One input pattern a type, on from step 1 to the end.  Not a task itself."""

    reference: ClassVar[str] = "popnet, in the layout of Miconi 2017"
    stretchable: ClassVar[tuple[str, ...]] = ("stimulus",)
    patterns: ClassVar[tuple[tuple[int, int], ...]] = ()
    """Inputs A and B of each type."""
    answers: ClassVar[tuple[int, ...]] = ()
    """Sign of the target of each type."""

    stimulus_s: Seconds = 0.5
    response_s: Seconds = 0.2
    strength: Annotated[
        float, PerNetwork, Field(gt=0, description="size of an input that is on")
    ] = 1.0
    target: Annotated[float, Field(gt=0, le=1, description="output asked for")] = 1.0

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
        """One for each pattern."""
        return len(self.patterns)

    @property
    def epochs_s(self) -> dict[str, float]:
        """Durations by epoch, in order, in seconds; the stimulus stays on in both."""
        return {"stimulus": self.stimulus_s, "response": self.response_s}


class XOR(Memoryless):
    """Inputs of either sign: + when they differ, - when they are the same."""

    summary: ClassVar[str] = "do two simultaneous inputs differ in sign?"
    patterns: ClassVar[tuple[tuple[int, int], ...]] = (
        (-1, -1),
        (-1, 1),
        (1, -1),
        (1, 1),
    )
    answers: ClassVar[tuple[int, ...]] = (-1, 1, 1, -1)
    name: Literal["xor"] = "xor"  # type: ignore[assignment]


class GoNoGo(Memoryless):
    """A asks for +, go; B for -, no go."""

    summary: ClassVar[str] = "go or no go, by which of two stimuli is on"
    patterns: ClassVar[tuple[tuple[int, int], ...]] = ((1, 0), (0, 1))
    answers: ClassVar[tuple[int, ...]] = (1, -1)
    name: Literal["go_nogo"] = "go_nogo"  # type: ignore[assignment]


def draw(
    settings: Memoryless,
    types_B: NDArray[np.int64],
    dt_s: float,
    random: np.random.Generator,
) -> Trials:
    """Trials with the pattern of their type.  Nothing in them is random."""
    count, steps = len(types_B), settings.steps(dt_s)
    pattern_BI = settings.strength * np.array(settings.patterns)[types_B]
    inputs = np.zeros((count, steps, CHANNELS))
    inputs[:, 1:, [A, B]] = pattern_BI[:, None]
    answer_B = settings.target * np.array(settings.answers)[types_B]
    target = np.broadcast_to(answer_B[:, None, None], (count, steps, 1))
    mask = np.zeros((count, steps, 1), dtype=bool)
    mask[:, -round(settings.response_s / dt_s) :] = True
    return Trials(inputs, target, mask)


def observe(settings: Memoryless, input_BTI: Array, dt_s: float) -> Array:
    """Finds the pattern most like the inputs of each step; all are of one size."""
    likeness_BTK = input_BTI[..., [A, B]] @ np.array(settings.patterns).T
    answer_BT = np.array(settings.answers)[likeness_BTK.argmax(-1)]
    return settings.target * answer_BT[..., None].astype(np.float64)
