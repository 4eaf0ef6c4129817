"""A row of stimuli: is each one the same as the one n before it?

Kirchner, J Exp Psychol 1958;55:352.  As in the networks of Wan, Menendez & Postle,
PLoS Comput Biol 2022;18:e1009062, a pause twice as long follows each stimulus.  The
durations and the input layout are those of ``matching``, so that networks move between
them.
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

DECISIONS = 3
"""Decisions in a trial, which has n + 3 stimuli."""


class NBack(TaskSettings):
    """+ when a stimulus is the one n before; scored after each from the n+1-th on.

    A trial is correct when all of its decisions are.
    """

    reference: ClassVar[str] = "Kirchner 1958; Wan, Menendez & Postle 2022"
    summary: ClassVar[str] = "is each stimulus of a row the one n before it?"
    stretchable: ClassVar[tuple[str, ...]] = ("stimulus", "delay")

    name: Literal["n_back"] = "n_back"  # type: ignore[assignment]
    n: Annotated[int, Field(ge=1, le=8, description="how far back")] = 2
    stimulus_s: Seconds = 0.2
    delay_s: Seconds = 0.2
    response_s: Seconds = 0.2
    target: Annotated[float, Field(gt=0, le=1, description="output asked for")] = 1.0

    @property
    def inputs(self) -> int:
        """Channels of the shared layout."""
        return CHANNELS

    @property
    def outputs(self) -> int:
        """One decision at a time."""
        return 1

    @property
    def types(self) -> int:
        """Every row of answers; bit d of the type: decision d is a match."""
        return 2**DECISIONS

    @property
    def chance(self) -> float:
        """All decisions guessed right."""
        return 0.5**DECISIONS

    @property
    def stimuli(self) -> int:
        """The one that is judged and the n before it."""
        return self.n + 1

    @property
    def memory_demand_s(self) -> float:
        """The pause after each of the stimuli that are kept, in seconds."""
        return self.stimuli * (self.delay_s + self.response_s)

    @property
    def items(self) -> int:
        """Stimuli in a trial."""
        return self.n + DECISIONS

    @property
    def epochs_s(self) -> dict[str, float]:
        """Durations by epoch, in order, in seconds; the first n responses are blank."""
        item = {
            "stimulus": self.stimulus_s,
            "delay": self.delay_s,
            "response": self.response_s,
        }
        numbers = range(1, self.items + 1)
        return {f"{name}_{i}": d for i in numbers for name, d in item.items()}

    def item_steps(self, dt_s: float) -> int:
        """Time steps from one stimulus to the next."""
        return self.steps(dt_s) // self.items


def draw(
    settings: NBack,
    types_B: NDArray[np.int64],
    dt_s: float,
    random: np.random.Generator,
) -> Trials:
    """Trials of one row of answers each; their first n stimuli are random."""
    count, steps, n = len(types_B), settings.steps(dt_s), settings.n
    item, stimulus = settings.item_steps(dt_s), round(settings.stimulus_s / dt_s)
    scored = round(settings.response_s / dt_s)
    shown_BK = np.zeros((count, settings.items), dtype=np.int64)
    shown_BK[:, :n] = random.random((count, n)) < 0.5
    inputs = np.zeros((count, steps, CHANNELS))
    target, mask = np.zeros((count, steps, 1)), np.zeros((count, steps, 1), dtype=bool)
    for k in range(settings.items):
        onset, end = k * item, (k + 1) * item
        if k >= n:
            match_B = (types_B >> (k - n)) % 2 == 1
            shown_BK[:, k] = np.where(
                match_B, shown_BK[:, k - n], 1 - shown_BK[:, k - n]
            )
            answer_B = settings.target * np.where(match_B, 1.0, -1.0)
            target[:, onset:end] = answer_B[:, None, None]
            mask[:, end - scored : end] = True
        for channel, kind in ((A, 0), (B, 1)):
            here = shown_BK[:, k, None] == kind
            inputs[:, onset : onset + stimulus, channel] = here
    return Trials(inputs, target, mask)


def observe(settings: NBack, input_BTI: Array, dt_s: float) -> Array:
    """Reads each stimulus and compares it with the one n before."""
    item = settings.item_steps(dt_s)
    evidence_BT = input_BTI[..., B] - input_BTI[..., A]
    evidence_BK = evidence_BT.reshape(len(evidence_BT), settings.items, item).sum(2)
    answer_BK = np.zeros_like(evidence_BK)
    n = settings.n
    answer_BK[:, n:] = np.sign(evidence_BK[:, n:] * evidence_BK[:, :-n])
    return settings.target * np.repeat(answer_BK, item, axis=1)[..., None]
