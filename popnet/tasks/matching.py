"""Two stimuli apart in time: do they match?  DNMS, DMS, long and variable delays.

Miconi, eLife 2017;6:e20899, tasks 1 and Fig. 7; timing after its published code
(0-based steps of 1 ms; the first stimulus is on from step 1).
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from popnet.config import TaskSettings
from popnet.config.settings import Seconds
from popnet.tasks._trials import Array, Trials

CHANNELS = 5
"""0 unused, 1 and 2 stimuli A and B, 3 and 4 context: one layout for all of Miconi's
tasks and their relatives, so that a network moves between them unchanged."""
A, B = 1, 2


class DNMS(TaskSettings):
    """Delayed non-match-to-sample: + when the two stimuli differ, - when they match."""

    reference: ClassVar[str] = "Miconi 2017, Methods and Fig. 1"
    summary: ClassVar[str] = "do two stimuli, a delay apart, differ?"
    stretchable: ClassVar[tuple[str, ...]] = ("stimulus", "delay", "wait")
    sign: ClassVar[int] = 1

    name: Literal["dnms"] = "dnms"  # type: ignore[assignment]
    stimulus_s: Seconds = 0.2
    delay_s: Seconds = 0.2
    wait_s: Annotated[float, Field(ge=0, le=1000)] = 0.2
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
        """AA, AB, BA, BB."""
        return 4

    @property
    def epochs_s(self) -> dict[str, float]:
        """Durations by epoch, in order, in seconds."""
        epochs = {
            "stimulus_1": self.stimulus_s,
            "delay": self.longest_delay_s,
            "stimulus_2": self.stimulus_s,
            "wait": self.wait_s,
            "response": self.response_s,
        }
        return {name: d for name, d in epochs.items() if d > 0}

    @property
    def longest_delay_s(self) -> float:
        """The delay; the longest one where it varies."""
        return self.delay_s

    @property
    def stimuli(self) -> int:
        """Both."""
        return 2

    @property
    def memory_demand_s(self) -> float:
        """The delay, and from the second stimulus to the end, in seconds.

        Where the delay varies, the second stimulus is as far from the end the earlier
        it comes: the sum is the same in every trial.
        """
        return self.longest_delay_s + self.wait_s + self.response_s


class DMS(DNMS):
    """Delayed match-to-sample: + when the two stimuli match."""

    summary: ClassVar[str] = "do two stimuli, a delay apart, match?"
    sign: ClassVar[int] = -1
    name: Literal["dms"] = "dms"  # type: ignore[assignment]


class LongDNMS(DNMS):
    """DNMS with a delay of one second."""

    reference: ClassVar[str] = "Miconi 2017, Fig. 7A; code dnmslongdelay"
    summary: ClassVar[str] = "DNMS with stimuli of 0.4 s and a delay of 1 s"
    stretchable: ClassVar[tuple[str, ...]] = ("stimulus", "delay")
    name: Literal["dnms_long"] = "dnms_long"  # type: ignore[assignment]
    stimulus_s: Seconds = 0.4
    delay_s: Seconds = 1.0
    wait_s: Annotated[float, Field(ge=0, le=1000)] = 0.0


class VariableDNMS(DNMS):
    """DNMS with a delay drawn anew in every trial."""

    reference: ClassVar[str] = "Miconi 2017, Fig. 7B; code dnmsvariabledelay"
    summary: ClassVar[str] = "DNMS with a delay of 0.3 to 0.8 s, new in every trial"
    stretchable: ClassVar[tuple[str, ...]] = ("stimulus",)
    name: Literal["dnms_variable"] = "dnms_variable"  # type: ignore[assignment]
    stimulus_s: Seconds = 0.3
    delay_s: Seconds = 0.3
    delay_max_s: Seconds = 0.8
    wait_s: Annotated[float, Field(ge=0, le=1000)] = 0.0

    @property
    def longest_delay_s(self) -> float:
        """The upper end of the delays."""
        return self.delay_max_s

    @model_validator(mode="after")
    def _ordered(self) -> VariableDNMS:
        if self.delay_max_s <= self.delay_s:
            raise ValueError(
                f"delay_max_s {self.delay_max_s:g} must be above delay_s "
                f"{self.delay_s:g}"
            )
        return self


def draw(
    settings: DNMS,
    types_B: NDArray[np.int64],
    dt_s: float,
    random: np.random.Generator,
) -> Trials:
    """Trials of types AA, AB, BA, BB (0 to 3)."""
    count, steps = len(types_B), settings.steps(dt_s)
    stimulus = round(settings.stimulus_s / dt_s)
    scored = round(settings.response_s / dt_s)
    delay_B = _delays(settings, count, dt_s, random)
    first_B, second_B = types_B // 2, types_B % 2
    inputs = np.zeros((count, steps, CHANNELS))
    inputs[:, 1 : stimulus + 1, A] = (first_B == 0)[:, None]
    inputs[:, 1 : stimulus + 1, B] = (first_B == 1)[:, None]
    for trial, (kind, delay) in enumerate(zip(second_B, delay_B, strict=True)):
        onset = stimulus + delay
        inputs[trial, onset : onset + stimulus, A if kind == 0 else B] = 1
    different_B = np.where(first_B != second_B, 1.0, -1.0) * settings.sign
    target = np.broadcast_to(
        (settings.target * different_B)[:, None, None], (count, steps, 1)
    )
    mask = np.zeros((count, steps, 1), dtype=bool)
    mask[:, -scored:] = True
    return Trials(inputs, target, mask)


def _delays(
    settings: DNMS, count: int, dt_s: float, random: np.random.Generator
) -> NDArray[np.int64]:
    """Steps between the end of the first stimulus and the second, per trial."""
    shortest = round(settings.delay_s / dt_s)
    longest = round(settings.longest_delay_s / dt_s)
    if longest == shortest:
        return np.full(count, shortest)
    # onsets as in the published code: the longest delay itself is not drawn
    return random.integers(shortest, max(longest - 1, shortest + 1), count) + 1


def observe(settings: DNMS, input_BTI: Array, dt_s: float) -> Array:
    """Remembers the first stimulus it saw and compares the second, on the inputs."""
    evidence_BT = input_BTI[..., A] - input_BTI[..., B]
    count, steps = evidence_BT.shape
    answer = np.zeros((count, steps, 1))
    first_end = round(settings.stimulus_s / dt_s) + 1
    for trial in range(count):
        early = evidence_BT[trial, :first_end].sum()
        late = evidence_BT[trial, first_end:].sum()
        differ = 1.0 if early * late < 0 else -1.0
        answer[trial] = settings.target * settings.sign * differ
    return answer
