"""N-bit flip-flop: each output holds the last pulse of its input.

Sussillo & Barak, Neural Comput 2013;25:626.  Timing after the public code of the
first author of Huang et al. (arXiv 2410.03972): 100 steps, a pulse with probability
0.3 at each step and bit, one on every bit at the start, the target switching with the
pulse.  There a pulse is a time step; ``pulse_s`` makes it last as long at any step.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from popnet.config import PerNetwork, TaskSettings
from popnet.config.settings import Seconds
from popnet.tasks._evidence import streams
from popnet.tasks._trials import Array, Trials


class FlipFlop(TaskSettings):
    """Bits switched by pulses of either sign, held until the next pulse."""

    reference: ClassVar[str] = "Sussillo & Barak 2013; Huang et al. 2025"
    summary: ClassVar[str] = "hold the sign of the last pulse on each of N bits"
    chance: ClassVar[float] = 0.0
    error: ClassVar[Literal["absolute", "squared"]] = "squared"
    stretchable: ClassVar[tuple[str, ...]] = ("trial",)

    name: Literal["flipflop"] = "flipflop"  # type: ignore[assignment]
    bits: Annotated[int, Field(ge=1, le=64)] = 3
    trial_s: Seconds = 0.1
    pulse: Annotated[
        float,
        PerNetwork,
        Field(ge=0, le=1, description="probability per step (per pulse_s) and bit"),
    ] = 0.3
    pulse_s: Annotated[
        Seconds | None, PerNetwork, Field(description="default: one time step")
    ] = None

    @property
    def inputs(self) -> int:
        """One channel per bit."""
        return self.bits

    @property
    def outputs(self) -> int:
        """One channel per bit."""
        return self.bits

    @property
    def types(self) -> int:
        """All trials are of one type."""
        return 1

    @property
    def epochs_s(self) -> dict[str, float]:
        """One epoch."""
        return {"trial": self.trial_s}


def draw(
    settings: FlipFlop,
    types_B: NDArray[np.int64],
    dt_s: float,
    random: np.random.Generator,
) -> Trials:
    """Trials with pulses of random sign."""
    count, steps = len(types_B), settings.steps(dt_s)
    width = 1 if settings.pulse_s is None else max(round(settings.pulse_s / dt_s), 1)
    shape = (-(-steps // width), settings.bits, 2)
    draws = np.stack([own.random(shape) for own in streams(random, count)])
    pulse = draws[..., 0] < settings.pulse
    pulse[:, 0] = True
    signs = np.where(draws[..., 1] < 0.5, -1.0, 1.0) * pulse
    inputs = np.repeat(signs, width, axis=1)[:, :steps]
    return Trials(inputs, _held(inputs), np.ones(inputs.shape, dtype=bool))


def _held(input_BTI: Array) -> Array:
    """The last nonzero value of each channel, so far."""
    step = np.arange(input_BTI.shape[1])[None, :, None]
    last = np.maximum.accumulate(np.where(input_BTI != 0, step, 0), axis=1)
    return np.take_along_axis(input_BTI, last, axis=1)


def observe(settings: FlipFlop, input_BTI: Array, dt_s: float) -> Array:
    """Switches with each pulse and holds, step by step."""
    state = np.zeros((input_BTI.shape[0], settings.bits))
    output = np.zeros_like(input_BTI)
    for t in range(input_BTI.shape[1]):
        state = np.where(input_BTI[:, t] != 0, input_BTI[:, t], state)
        output[:, t] = state
    return output
