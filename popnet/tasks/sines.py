"""Generating sine waves: of the frequency an input gives, or one fixed sum of them.

``sines``         Huang et al. (arXiv 2410.03972): a constant input f, the output
                  sin(2 pi f t), frequencies evenly spaced from 1 to 30; with N channels
                  each input has an output of its own.  Time step, duration and number
                  of frequencies could not be read: here 1 s (100 steps of 10 ms), 30
``sum_of_sines``  Sussillo & Abbott, Neuron 2009;63:544, Fig. 2D, and the script
                  published with it (time step 0.1 tau, tau 10 ms): four harmonics of a
                  period of 1.2 s for 14.4 s.  There, one long run without input; here
                  every trial starts anew, and a pulse (50 ms of 5, our choice: strong
                  enough to end what the network did before) says when

t is the time at the end of a step, since the start of the trial.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, model_validator

from popnet.config import PerNetwork, Silence, TaskSettings
from popnet.config.settings import Seconds
from popnet.tasks._evidence import in_order, streams
from popnet.tasks._trials import Array, Trials


class Sines(TaskSettings):
    """Output i oscillates at the frequency that input i gives."""

    reference: ClassVar[str] = "Huang et al. 2025, arXiv 2410.03972"
    summary: ClassVar[str] = "a sine wave of the frequency given by a constant input"
    target_kind: ClassVar[Literal["signs", "classes", "values"]] = "values"
    silence: ClassVar[Silence] = "judged as any other value"
    error: ClassVar[Literal["absolute", "squared"]] = "squared"
    stretchable: ClassVar[tuple[str, ...]] = ("trial",)

    name: Literal["sines"] = "sines"  # type: ignore[assignment]
    trial_s: Seconds = 1.0
    channels: Annotated[int, Field(ge=1, le=16, description="inputs, outputs")] = 1
    frequencies: Annotated[
        int, Field(ge=1, le=1000, description="how many, evenly spaced")
    ] = 30
    lowest_hz: Annotated[PositiveFloat, PerNetwork] = 1.0
    highest_hz: Annotated[
        PositiveFloat, PerNetwork, Field(description="there the input is 1")
    ] = 30.0

    @model_validator(mode="after")
    def _ordered(self) -> Sines:
        in_order("lowest_hz", self.lowest_hz, "highest_hz", self.highest_hz)
        return self

    @property
    def inputs(self) -> int:
        """One per channel."""
        return self.channels

    @property
    def outputs(self) -> int:
        """One per channel."""
        return self.channels

    @property
    def types(self) -> int:
        """The frequency of the first channel."""
        return self.frequencies

    @property
    def rest_inputs(self) -> tuple[tuple[float, ...], ...]:
        """The frequencies of the task, at most five of them, on all channels alike."""
        lowest = self.lowest_hz / self.highest_hz
        levels = np.linspace(lowest, 1, min(self.frequencies, 5))
        return tuple((float(level),) * self.channels for level in levels)

    @property
    def epochs_s(self) -> dict[str, float]:
        """One epoch."""
        return {"trial": self.trial_s}

    @property
    def memory_demand_s(self) -> float:
        """None: the frequency is given to the end."""
        return 0.0


def draw(
    settings: Sines,
    types_B: NDArray[np.int64],
    dt_s: float,
    random: np.random.Generator,
) -> Trials:
    """Trials of the frequencies, lowest first; other channels have a random one."""
    count, steps, channels = len(types_B), settings.steps(dt_s), settings.channels
    choices_hz = np.linspace(
        settings.lowest_hz, settings.highest_hz, settings.frequencies
    )
    which_BO = np.empty((count, channels), dtype=np.int64)
    which_BO[:, 0] = types_B
    for trial, own in enumerate(streams(random, count)):
        which_BO[trial, 1:] = own.integers(settings.frequencies, size=channels - 1)
    given_BO = choices_hz[which_BO] / settings.highest_hz
    inputs = np.repeat(given_BO[:, None], steps, axis=1)
    mask = np.ones((count, steps, channels), dtype=bool)
    return Trials(inputs, _waves(settings, given_BO, steps, dt_s), mask)


def _waves(settings: Sines, given_BO: Array, steps: int, dt_s: float) -> Array:
    """sin(2 pi f t), [B, T, O], for inputs f / highest."""
    t_T = dt_s * np.arange(1, steps + 1)
    return np.sin(2 * np.pi * settings.highest_hz * given_BO[:, None] * t_T[:, None])


def observe(settings: Sines, input_BTI: Array, dt_s: float) -> Array:
    """Reads the frequencies at the first step; the waves follow."""
    return _waves(settings, input_BTI[:, 0], input_BTI.shape[1], dt_s)


class SumOfSines(TaskSettings):
    """sum over k of a_k sin(2 pi k t / period), from a pulse on."""

    reference: ClassVar[str] = "Sussillo & Abbott 2009, Fig. 2D and its script"
    summary: ClassVar[str] = (
        "a sum of four sine waves, again and again, from a pulse on"
    )
    target_kind: ClassVar[Literal["signs", "classes", "values"]] = "values"
    silence: ClassVar[Silence] = "judged as any other value"
    stretchable: ClassVar[tuple[str, ...]] = ("trial",)

    name: Literal["sum_of_sines"] = "sum_of_sines"  # type: ignore[assignment]
    trial_s: Seconds = 14.4
    period_s: Annotated[Seconds, PerNetwork] = 1.2
    amplitudes: Annotated[
        tuple[float, ...],
        PerNetwork,
        Field(strict=False, min_length=1, description="a_1, a_2 ..."),
    ] = (1.3 / 1.5, 1.3 / 3, 1.3 / 9, 1.3 / 4.5)
    pulse_s: Annotated[
        Seconds, PerNetwork, Field(description="duration of the input pulse")
    ] = 0.05
    strength: Annotated[
        float, PerNetwork, Field(gt=0, description="size of the input pulse")
    ] = 5.0

    @model_validator(mode="after")
    def _ordered(self) -> SumOfSines:
        in_order("pulse_s", self.pulse_s, "trial_s", self.trial_s)
        return self

    @property
    def inputs(self) -> int:
        """The pulse."""
        return 1

    @property
    def outputs(self) -> int:
        """One."""
        return 1

    @property
    def types(self) -> int:
        """All trials are the same."""
        return 1

    @property
    def epochs_s(self) -> dict[str, float]:
        """One epoch."""
        return {"trial": self.trial_s}

    @property
    def memory_demand_s(self) -> float:
        """From the end of the pulse to the end of the trial, in seconds."""
        return self.trial_s - self.pulse_s


def draw_sum(
    settings: SumOfSines,
    types_B: NDArray[np.int64],
    dt_s: float,
    random: np.random.Generator,
) -> Trials:
    """Nothing in them is random."""
    count, steps = len(types_B), settings.steps(dt_s)
    inputs = np.zeros((count, steps, 1))
    inputs[:, : max(round(settings.pulse_s / dt_s), 1)] = settings.strength
    target = np.repeat(_sum(settings, steps, dt_s)[None], count, axis=0)
    return Trials(inputs, target, np.ones((count, steps, 1), dtype=bool))


def _sum(settings: SumOfSines, steps: int, dt_s: float) -> Array:
    """The pattern, [T, 1]."""
    a_K = np.array(settings.amplitudes)
    phase_T = 2 * np.pi * dt_s * np.arange(1, steps + 1) / settings.period_s
    return np.sin(phase_T[:, None] * np.arange(1, len(a_K) + 1)) @ a_K[:, None]


def observe_sum(settings: SumOfSines, input_BTI: Array, dt_s: float) -> Array:
    """Starts the pattern at the first step of the pulse."""
    count, steps, _ = input_BTI.shape
    answer = np.zeros((count, steps, 1))
    for trial, onset in enumerate(input_BTI[..., 0].argmax(1)):
        answer[trial, onset:] = _sum(settings, steps - onset, dt_s)
    return answer
