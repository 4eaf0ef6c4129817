"""One pattern of inputs for each type, which stays on while the answer is given or not.

``xor``, ``go_nogo``    it stays on to the end: nothing has to be remembered
``..._delayed``         it ends with the stimulus, and a delay of 0.4 s follows

With one ``delay_s`` for both, a task and its delayed version differ in nothing but
whether the pattern stays on.  In the input layout and step size of ``matching``, so
that networks move between them.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from popnet.config import PerNetwork, TaskSettings
from popnet.config.settings import Seconds
from popnet.tasks._trials import Array, Scored, Trials, Wait
from popnet.tasks.matching import CHANNELS, A, B


class Patterns(TaskSettings):
    """One input pattern a type, on from step 1.  Not a task itself."""

    reference: ClassVar[str] = "popnet, in the layout of Miconi 2017"
    stretchable: ClassVar[tuple[str, ...]] = ("stimulus", "delay")
    variants: ClassVar[tuple[dict[str, Any], ...]] = (
        {"scored": "after", "delay_s": 0.0},
        {"scored": "during", "delay_s": 0.3},
        {"scored": "after", "delay_s": 0.3},
    )
    patterns: ClassVar[tuple[tuple[int, int], ...]] = ()
    """Inputs A and B of each type."""
    answers: ClassVar[tuple[int, ...]] = ()
    """Sign of the target of each type."""

    stimulus_s: Seconds = 0.5
    delay_s: Wait = 0.0
    response_s: Seconds = 0.2
    scored: Scored = "during"
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
        """Durations by epoch, in order, in seconds."""
        epochs = {
            "stimulus": self.stimulus_s,
            "delay": self.delay_s,
            "response": self.response_s,
        }
        return {name: d for name, d in epochs.items() if d > 0}

    @property
    def memory_demand_s(self) -> float:
        """From the end of the pattern to the end of the response, in seconds."""
        return 0.0 if self.scored == "during" else self.delay_s + self.response_s


class XOR(Patterns):
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


class DelayedXOR(XOR):
    """XOR of inputs that are over, and a delay after them."""

    summary: ClassVar[str] = "did two simultaneous inputs, before a delay, differ?"
    name: Literal["xor_delayed"] = "xor_delayed"  # type: ignore[assignment]
    delay_s: Wait = 0.4
    scored: Scored = "after"


class GoNoGo(Patterns):
    """A asks for +, go; B for -, no go."""

    summary: ClassVar[str] = "go or no go, by which of two stimuli is on"
    patterns: ClassVar[tuple[tuple[int, int], ...]] = ((1, 0), (0, 1))
    answers: ClassVar[tuple[int, ...]] = (1, -1)
    name: Literal["go_nogo"] = "go_nogo"  # type: ignore[assignment]


class DelayedGoNoGo(GoNoGo):
    """Go or no go, by a stimulus that is over, and a delay after it."""

    summary: ClassVar[str] = "go or no go, by which stimulus was on before a delay"
    name: Literal["go_nogo_delayed"] = "go_nogo_delayed"  # type: ignore[assignment]
    delay_s: Wait = 0.4
    scored: Scored = "after"


def draw(
    settings: Patterns,
    types_B: NDArray[np.int64],
    dt_s: float,
    random: np.random.Generator,
) -> Trials:
    """Trials with the pattern of their type.  Nothing in them is random."""
    count, steps = len(types_B), settings.steps(dt_s)
    pattern_BI = settings.strength * np.array(settings.patterns)[types_B]
    over = 1 + round(settings.stimulus_s / dt_s)
    shown = slice(1, over if settings.scored == "after" else steps)
    inputs = np.zeros((count, steps, CHANNELS))
    inputs[:, shown, [A, B]] = pattern_BI[:, None]
    answer_B = settings.target * np.array(settings.answers)[types_B]
    target = np.broadcast_to(answer_B[:, None, None], (count, steps, 1))
    mask = np.zeros((count, steps, 1), dtype=bool)
    mask[:, -round(settings.response_s / dt_s) :] = True
    return Trials(inputs, target, mask)


def observe(settings: Patterns, input_BTI: Array, dt_s: float) -> Array:
    """Finds the pattern most like all inputs so far; all patterns are of one size."""
    seen_BTI = np.cumsum(input_BTI[..., [A, B]], axis=1)
    likeness_BTK = seen_BTI @ np.array(settings.patterns).T
    answer_BT = np.array(settings.answers)[likeness_BTK.argmax(-1)]
    return settings.target * answer_BT[..., None].astype(np.float64)
