"""Is the rate of events above a boundary?  Heard, seen, or both.

After Raposo et al., Nat Neurosci 2014;17:1784, and Song, Yang & Wang, PLoS Comput Biol
2016;12:e1004792, in the form of the published code of McMahan, Kleinman & Kao (NeurIPS
2021), task/multi_sensory.py: 750 steps of 3 ms, the stimulus on from step 200.

The input of a modality that is shown is rate / 16 Hz, else 0; both carry noise all
trial long.  The rate lies U(nearest, farthest) above or below the boundary.  With a
time step dt the noise is noise_hz sqrt(3 ms / dt) / 16 Hz, so that evidence per second
does not depend on dt.  The output is asked to be 0 before the stimulus.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from popnet.config import PerNetwork, Silence, TaskSettings
from popnet.config.settings import Seconds
from popnet.tasks._evidence import in_order, noise_sd, share_right, streams
from popnet.tasks._trials import Array, Trials

PAPER_STEP_S = 0.003
UNIT_HZ = 16.0
"""The rate at which an input is 1."""
SHOWN_BY_MODALITY = np.array([[True, False], [False, True], [True, True]])
"""Channels (auditory, visual) on in an auditory, a visual, a combined trial."""


class Multisensory(TaskSettings):
    """+ when the rate is above the boundary; 0 before the stimulus."""

    reference: ClassVar[str] = "Song, Yang & Wang 2016; code of McMahan et al. 2021"
    summary: ClassVar[str] = "is a rate, heard or seen or both, above a boundary?"
    silence: ClassVar[Silence] = "counts in the error alone"
    stretchable: ClassVar[tuple[str, ...]] = ("stimulus",)

    name: Literal["multisensory"] = "multisensory"  # type: ignore[assignment]
    fixation_s: Seconds = 0.6
    stimulus_s: Seconds = 1.65
    boundary_hz: Annotated[float, PerNetwork, Field(gt=0)] = 12.5
    nearest_hz: Annotated[
        float, PerNetwork, Field(ge=0, description="least distance to the boundary")
    ] = 0.0
    farthest_hz: Annotated[
        float, PerNetwork, Field(gt=0, description="largest distance to the boundary")
    ] = 3.5
    noise_hz: Annotated[
        float, PerNetwork, Field(ge=0, description="sd of the noise per step of 3 ms")
    ] = 0.05
    target: Annotated[float, Field(gt=0, le=1, description="output asked for")] = 1.0

    @model_validator(mode="after")
    def _ordered(self) -> Multisensory:
        in_order("nearest_hz", self.nearest_hz, "farthest_hz", self.farthest_hz)
        in_order("farthest_hz", self.farthest_hz, "boundary_hz", self.boundary_hz)
        return self

    @property
    def inputs(self) -> int:
        """Auditory, visual."""
        return 2

    @property
    def outputs(self) -> int:
        """One decision."""
        return 1

    @property
    def types(self) -> int:
        """Auditory, visual, both above the boundary; the same below it."""
        return 6

    @property
    def epochs_s(self) -> dict[str, float]:
        """Durations by epoch, in order, in seconds."""
        return {"fixation": self.fixation_s, "stimulus": self.stimulus_s}

    @property
    def memory_demand_s(self) -> float:
        """None: there is evidence to the end."""
        return 0.0

    @property
    def ceiling(self) -> float:
        """The mean over the modalities; two channels have noise sqrt(2) smaller."""
        law = self.nearest_hz, self.farthest_hz
        seen = PAPER_STEP_S, self.stimulus_s
        one = share_right(*law, self.noise_hz, *seen)
        return (2 * one + share_right(*law, self.noise_hz / np.sqrt(2), *seen)) / 3


def draw(
    settings: Multisensory,
    types_B: NDArray[np.int64],
    dt_s: float,
    random: np.random.Generator,
) -> Trials:
    """Trials of types auditory, visual, both: + (0 to 2), - (3 to 5)."""
    count, steps = len(types_B), settings.steps(dt_s)
    onset = round(settings.fixation_s / dt_s)
    sign_B = np.where(types_B < 3, 1.0, -1.0)
    sd = noise_sd(settings.noise_hz, PAPER_STEP_S, dt_s)
    inputs = np.zeros((count, steps, 2))
    for trial, own in enumerate(streams(random, count)):
        distance_hz = own.uniform(settings.nearest_hz, settings.farthest_hz)
        rate_hz = settings.boundary_hz + sign_B[trial] * distance_hz
        inputs[trial, onset:] = rate_hz * SHOWN_BY_MODALITY[types_B[trial] % 3]
        inputs[trial] += sd * own.standard_normal((steps, 2))
    target = np.zeros((count, steps, 1))
    target[:, onset:] = (settings.target * sign_B)[:, None, None]
    return Trials(inputs / UNIT_HZ, target, np.ones((count, steps, 1), dtype=bool))


def observe(settings: Multisensory, input_BTI: Array, dt_s: float) -> Array:
    """Finds the channels that are on, averages them and compares with the boundary."""
    onset = round(settings.fixation_s / dt_s)
    mean_BI = input_BTI[:, onset:].mean(1) * UNIT_HZ
    on_BI = mean_BI > mean_BI.max(1, keepdims=True) / 2
    rate_B = (mean_BI * on_BI).sum(1) / on_BI.sum(1)
    answer = np.zeros((*input_BTI.shape[:2], 1))
    sign_B = np.where(rate_B < settings.boundary_hz, -1.0, 1.0)
    answer[:, onset:] = (settings.target * sign_B)[:, None, None]
    return answer
