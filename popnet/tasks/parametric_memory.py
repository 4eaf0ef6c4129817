"""Two vibrations, a delay apart: was the first one faster?  Parametric memory.

Romo et al., Nature 1999;399:470; as trained by Song, Yang & Wang, PLoS Comput Biol
2016;12:e1004792 (published code, examples/models/romo.py): five pairs of frequencies in
10 to 34 Hz, 8 Hz apart, each in both orders; no catch trials here.  Input 0 rises with
the frequency from 0.2 to 1, input 1 falls from 1 to 0.2; both are 0 in between.  The
output is asked to be 0 in the fixation.  The published code adds input noise of 0.01 to
all its networks: a setting of the network (``network.noise.input``), not of the task.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from popnet.config import PerNetwork, Silence, TaskSettings
from popnet.config.settings import Seconds
from popnet.tasks._trials import Array, Trials

LOWEST_HZ, HIGHEST_HZ = 10.0, 34.0
PAIRS = 5
FLOOR = 0.2
"""The weaker input at an end of the range; the other one is 1."""


class ParametricMemory(TaskSettings):
    """+ when the first of two frequencies is the higher one; 0 in the fixation."""

    reference: ClassVar[str] = "Romo et al. 1999; Song, Yang & Wang 2016, code romo"
    summary: ClassVar[str] = (
        "which of two frequencies, a delay of 3 s apart, is higher?"
    )
    silence: ClassVar[Silence] = "counts in the error alone"
    stretchable: ClassVar[tuple[str, ...]] = ("stimulus", "delay")

    name: Literal["parametric_memory"] = "parametric_memory"  # type: ignore[assignment]
    fixation_s: Seconds = 0.1
    stimulus_s: Seconds = 0.5
    delay_s: Seconds = 3.0
    response_s: Seconds = 0.3
    separation_hz: Annotated[
        float,
        PerNetwork,
        Field(gt=0, le=24, description="between the two; at 24 all pairs are one"),
    ] = 8.0
    target: Annotated[float, Field(gt=0, le=1, description="output asked for")] = 1.0
    variants: ClassVar[tuple[dict[str, Any], ...]] = (
        {"separation_hz": 4.0},
        {"separation_hz": 5.0, "delay_s": 0.2},
        {"separation_hz": 24.0},
    )

    @property
    def inputs(self) -> int:
        """One rises with the frequency, one falls."""
        return 2

    @property
    def outputs(self) -> int:
        """One decision."""
        return 1

    @property
    def types(self) -> int:
        """For each pair, slowest first: higher one first, lower one first."""
        return 2 * PAIRS

    @property
    def epochs_s(self) -> dict[str, float]:
        """Durations by epoch, in order, in seconds."""
        return {
            "fixation": self.fixation_s,
            "stimulus_1": self.stimulus_s,
            "delay": self.delay_s,
            "stimulus_2": self.stimulus_s,
            "response": self.response_s,
        }

    @property
    def pairs_hz(self) -> Array:
        """The lower and the higher frequency of each pair, slowest first, [K, 2]."""
        room_hz = HIGHEST_HZ - LOWEST_HZ - self.separation_hz
        low_K = LOWEST_HZ + room_hz * np.arange(PAIRS) / (PAIRS - 1)
        return np.stack([low_K, low_K + self.separation_hz], axis=1)

    @property
    def stimuli(self) -> int:
        """Both."""
        return 2

    @property
    def memory_demand_s(self) -> float:
        """The delay and the response, in seconds."""
        return self.delay_s + self.response_s

    @property
    def memoryless_score(self) -> float:
        """The second frequency alone: right in the larger share of its trials.

        Trials that end with the lower frequency of a pair ask for +, the others for -.
        """
        ends_hz, pairs_hz = np.unique(self.pairs_hz.round(6)), self.pairs_hz.round(6)
        counts_F2 = (pairs_hz[None] == ends_hz[:, None, None]).sum(1)
        return float(counts_F2.max(1).sum() / (2 * PAIRS))


def draw(
    settings: ParametricMemory,
    types_B: NDArray[np.int64],
    dt_s: float,
    random: np.random.Generator,
) -> Trials:
    """Trials of type pair and order.  Nothing in them is random."""
    count, steps = len(types_B), settings.steps(dt_s)
    fixation, first, second = _places(settings, dt_s)
    low_B, high_B = settings.pairs_hz[types_B // 2].T
    falls_B = types_B % 2 == 0
    inputs = np.zeros((count, steps, 2))
    inputs[:, first] = _tuned(np.where(falls_B, high_B, low_B))[:, None]
    inputs[:, second] = _tuned(np.where(falls_B, low_B, high_B))[:, None]
    scored = round(settings.response_s / dt_s)
    target = np.zeros((count, steps, 1))
    answer_B = settings.target * np.where(falls_B, 1.0, -1.0)
    target[:, fixation.stop :] = answer_B[:, None, None]
    mask = np.zeros((count, steps, 1), dtype=bool)
    mask[:, fixation] = True
    mask[:, -scored:] = True
    return Trials(inputs, target, mask)


def _places(settings: ParametricMemory, dt_s: float) -> tuple[slice, slice, slice]:
    """Steps of the fixation, the first and the second stimulus."""
    ends = np.cumsum([round(d / dt_s) for d in settings.epochs_s.values()]).tolist()
    return slice(0, ends[0]), slice(ends[0], ends[1]), slice(ends[2], ends[3])


def _tuned(frequency_B: Array) -> Array:
    """Inputs at a frequency, [B, 2]."""
    height_B = (frequency_B - LOWEST_HZ) / (HIGHEST_HZ - LOWEST_HZ)
    return FLOOR + (1 - FLOOR) * np.stack([height_B, 1 - height_B], axis=1)


def observe(settings: ParametricMemory, input_BTI: Array, dt_s: float) -> Array:
    """Means of both channels in both stimuli: rises or falls it?"""
    fixation, first, second = _places(settings, dt_s)
    change_BI = input_BTI[:, second].mean(1) - input_BTI[:, first].mean(1)
    rise_B = change_BI[:, 0] - change_BI[:, 1]
    answer = np.zeros((*input_BTI.shape[:2], 1))
    sign_B = np.where(rise_B > 0, -1.0, 1.0)
    answer[:, fixation.stop :] = (settings.target * sign_B)[:, None, None]
    return answer
