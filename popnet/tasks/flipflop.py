"""N-bit flip-flop: each output holds the last pulse of its input.

Sussillo & Barak, Neural Comput 2013;25:626.  Timing after the public code of the
first author of Huang et al. (arXiv 2410.03972): 100 steps, a pulse with probability
0.3 at each step and bit, one on every bit at the start, the target switching with the
pulse.  There a pulse is a time step; here it lasts ``pulse_s``, 1 ms, at any step, and
a coarser step asks for longer pulses: else it would be another experiment.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from popnet.config import PerNetwork, TaskSettings
from popnet.config.settings import Seconds
from popnet.core.scoring import RIGHT_SHARE
from popnet.tasks._evidence import streams
from popnet.tasks._trials import Array, Trials


class FlipFlop(TaskSettings):
    """Bits switched by pulses of either sign, held until the next pulse."""

    reference: ClassVar[str] = "Sussillo & Barak 2013; Huang et al. 2025"
    summary: ClassVar[str] = "hold the sign of the last pulse on each of N bits"
    sign_holds: ClassVar[bool] = False
    error: ClassVar[Literal["absolute", "squared"]] = "squared"
    stretchable: ClassVar[tuple[str, ...]] = ("trial",)

    name: Literal["flipflop"] = "flipflop"  # type: ignore[assignment]
    bits: Annotated[int, Field(ge=1, le=64)] = 3
    trial_s: Seconds = 0.1
    pulse: Annotated[
        float,
        PerNetwork,
        Field(ge=0, le=1, description="probability per pulse_s and bit"),
    ] = 0.3
    pulse_s: Annotated[Seconds, PerNetwork] = 0.001
    variants: ClassVar[tuple[dict[str, Any], ...]] = (
        {"bits": 2, "pulse": 0.0},
        {"bits": 1, "pulse": 0.01},
        {"bits": 1, "pulse": 0.9},
        {"pulse": 0.02, "pulse_s": 0.005, "bits": 2},
    )

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

    @property
    def evidence_channels(self) -> tuple[tuple[int, ...], ...]:
        """Each bit its own."""
        return tuple((bit,) for bit in range(self.bits))

    @property
    def parts_s(self) -> dict[str, float]:
        """The pulses."""
        return {"pulse": self.pulse_s}

    @property
    def slots(self) -> int:
        """Number of places in a trial at which a pulse may be, of ``pulse_s`` each."""
        return max(round(self.trial_s / self.pulse_s), 1)

    @property
    def memory_demand_s(self) -> float:
        """Mean silence after a pulse, or after several without a gap, in seconds.

        In n slots with pulses at rate p after the first: (n - 1)(1 - p) silent ones,
        by as many silences as there are rows of pulses, 1 + (n - 2) p (1 - p).
        """
        free = self.slots - 1
        silent = free * (1 - self.pulse)
        rows = 1 + max(free - 1, 0) * self.pulse * (1 - self.pulse)
        return self.pulse_s * silent / rows

    @property
    def chance(self) -> float:
        """The same signs all trial long, to the millionth."""
        return _guessed(self.slots, self.pulse, self.bits, seen=False)

    @property
    def memoryless_score(self) -> float | None:
        """Pulses copied, and a sign kept up in all silences, to the millionth."""
        if not self.memory_demand_s:
            return None
        return _guessed(self.slots, self.pulse, self.bits, seen=True)


@cache
def _guessed(slots: int, pulse: float, bits: int, *, seen: bool) -> float:
    """Probability that constant signs are right in enough of the slots of all bits.

    The law of the number of right slots of a bit, slot by slot, then of their sum;
    ``seen``: also right wherever there is a pulse.
    """
    # of one bit: held sign (other, guessed) x right slots so far
    law_SR = np.zeros((2, slots + 1))
    law_SR[:, 0] = 0.5
    for slot in range(slots):
        drawn = 1.0 if slot == 0 else pulse
        new_R, kept_SR = drawn * law_SR.sum(0) / 2, (1 - drawn) * law_SR
        law_SR = np.zeros_like(law_SR)
        law_SR[1, 1:] = (new_R + kept_SR[1])[:-1]
        law_SR[0] = kept_SR[0]
        if seen:
            law_SR[0, 1:] += new_R[:-1]
        else:
            law_SR[0] += new_R
    one_R = all_R = law_SR.sum(0)
    for _ in range(bits - 1):
        all_R = np.convolve(all_R, one_R)
    enough = np.arange(len(all_R)) >= RIGHT_SHARE * slots * bits - 1e-9
    return round(float(all_R[enough].sum()), 6)


def draw(
    settings: FlipFlop,
    types_B: NDArray[np.int64],
    dt_s: float,
    random: np.random.Generator,
) -> Trials:
    """Trials with pulses of random sign."""
    count, steps = len(types_B), settings.steps(dt_s)
    width = max(round(settings.pulse_s / dt_s), 1)
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
