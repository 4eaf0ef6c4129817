"""Two pulses, a delay apart, on each of N channels: which one is larger?

Huang et al. (arXiv 2410.03972): f1 and f2 from 2 to 10, a delay of 5 to 20 steps, the
sign of f2 - f1; more channels, a longer delay, or further outputs that give |f2 - f1|
make it harder.  Layout and other durations after the task they build on, Turner,
Dabholkar & Barak (NeurIPS 2021), published code: whole numbers f1 != f2, each pulse on
an input of its own, 5 steps long; 5 steps before the first, 10 from the second to a
response of 5, then 5; every delay as often as any other; the output 0 but in the
response, all steps scored.  Their delay, which has 5 steps more in the code, is read as
the time from pulse to pulse; a step as 10 ms.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from popnet.config import Inconsistent, PerNetwork, Silence, TaskSettings
from popnet.config.settings import Seconds
from popnet.core.scoring import NEAR
from popnet.tasks._evidence import streams
from popnet.tasks._trials import Array, Trials


class DelayedDiscrimination(TaskSettings):
    """+ in the response when the second pulse is the larger one, on each channel.

    A trial is correct when all channels are: N channels are guessed right with
    probability 0.5^N.  With ``difference`` every size has to be right as well, and the
    best guess is the commonest of them.
    """

    reference: ClassVar[str] = "Huang et al. 2025; layout of Turner et al. 2021"
    summary: ClassVar[str] = "which of two pulses, a delay apart, is larger?"
    error: ClassVar[Literal["absolute", "squared"]] = "squared"
    silence: ClassVar[Silence] = "counts in the error alone"
    stretchable: ClassVar[tuple[str, ...]] = ("stimulus", "delay", "wait")

    name: Literal["delayed_discrimination"] = "delayed_discrimination"  # type: ignore[assignment]
    fixation_s: Seconds = 0.05
    stimulus_s: Seconds = 0.05
    delay_s: Annotated[Seconds, Field(description="the longest one")] = 0.2
    wait_s: Seconds = 0.1
    response_s: Seconds = 0.05
    after_s: Seconds = 0.05
    delays: Annotated[
        int, Field(ge=1, le=100, description="how many, evenly spaced; 1: the longest")
    ] = 16
    shortest: Annotated[
        float, PerNetwork, Field(gt=0, le=1, description="share of the longest delay")
    ] = 0.25
    channels: Annotated[int, Field(ge=1, le=4, description="comparisons at once")] = 1
    difference: Annotated[
        bool, Field(description="further outputs: |f2 - f1| / highest, to within 0.05")
    ] = False
    lowest: Annotated[int, PerNetwork, Field(ge=1, le=1000)] = 2
    highest: Annotated[int, PerNetwork, Field(ge=2, le=1000)] = 10
    closest: Annotated[int, PerNetwork, Field(ge=1, description="least |f2 - f1|")] = 1
    variants: ClassVar[tuple[dict[str, Any], ...]] = (
        {"channels": 2},
        {"channels": 3, "delays": 2},
        {"difference": True, "delays": 4},
        {"closest": 3, "highest": 8},
    )

    @model_validator(mode="after")
    def _possible(self) -> DelayedDiscrimination:
        if self.closest > self.highest - self.lowest:
            raise Inconsistent(
                "closest",
                f"got {self.closest}; must be at most highest {self.highest} - lowest "
                f"{self.lowest}",
                "highest",
                "lowest",
            )
        return self

    @property
    def inputs(self) -> int:
        """For each channel, the first and the second pulse."""
        return 2 * self.channels

    @property
    def outputs(self) -> int:
        """A decision per channel; then a difference per channel, if asked for."""
        return self.channels * (2 if self.difference else 1)

    @property
    def types(self) -> int:
        """Each delay, with each combination of signs (bit c: + on channel c)."""
        return self.delays * 2**self.channels

    @property
    def epochs_s(self) -> dict[str, float]:
        """Durations by epoch, in order, in seconds, where the delay is the longest."""
        return {
            "fixation": self.fixation_s,
            "stimulus_1": self.stimulus_s,
            "delay": self.delay_s,
            "stimulus_2": self.stimulus_s,
            "wait": self.wait_s,
            "response": self.response_s,
            "after": self.after_s,
        }

    @property
    def stimuli(self) -> int:
        """Both pulses."""
        return 2

    @property
    def evidence_channels(self) -> tuple[tuple[int, ...], ...]:
        """Both pulses of a decision's channel, and of a difference's."""
        pulses = tuple((2 * c, 2 * c + 1) for c in range(self.channels))
        return pulses * (2 if self.difference else 1)

    @property
    def memory_demand_s(self) -> float:
        """The mean delay, the wait and the response, in seconds."""
        share = float(_delay_shares(self).mean())
        return share * self.delay_s + self.wait_s + self.response_s

    @property
    def chance(self) -> float:
        """The best guess of a sign and a size, right on all channels."""
        first_K, second_K = _orders(self)
        commonest = _commonest(self, second_K - first_K)
        return float((commonest / len(first_K)) ** self.channels)

    @property
    def memoryless_score(self) -> float:
        """The best answer to the second pulse alone, right on all channels."""
        first_K, second_K = _orders(self)
        right = sum(
            _commonest(self, second - first_K[second_K == second])
            for second in np.unique(second_K)
        )
        return float((right / len(first_K)) ** self.channels)


def draw(
    settings: DelayedDiscrimination,
    types_B: NDArray[np.int64],
    dt_s: float,
    random: np.random.Generator,
) -> Trials:
    """Trials of type delay, shortest first, and signs; after a shorter one, silence."""
    count, steps, channels = len(types_B), settings.steps(dt_s), settings.channels
    delay_B = _delay_shares(settings)[types_B // 2**channels] * settings.delay_s
    sign_BC = np.where(types_B[:, None] >> np.arange(channels) & 1, 1, -1)
    pairs = _pairs(settings)
    inputs = np.zeros((count, steps, settings.inputs))
    target = np.zeros((count, steps, settings.outputs))
    for trial, own in enumerate(streams(random, count)):
        pair_C2 = pairs[own.integers(len(pairs), size=channels)]
        f_C2 = np.where(sign_BC[trial, :, None] > 0, pair_C2, pair_C2[:, ::-1])
        first, second, response = _places(settings, delay_B[trial], dt_s)
        inputs[trial, first, 0::2] = f_C2[:, 0]
        inputs[trial, second, 1::2] = f_C2[:, 1]
        target[trial, response] = _answers(settings, f_C2)
    return Trials(inputs, target, np.ones(target.shape, dtype=bool))


def _delay_shares(settings: DelayedDiscrimination) -> Array:
    """The delays, shortest first, as shares of the longest."""
    return np.linspace(1, settings.shortest, settings.delays)[::-1]


def _pairs(settings: DelayedDiscrimination) -> NDArray[np.int64]:
    """All pairs of values far enough apart, smaller one first."""
    values = settings.highest - settings.lowest + 1
    return settings.lowest + np.stack(np.triu_indices(values, settings.closest), 1)


def _orders(
    settings: DelayedDiscrimination,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and second value of all pairs in either order, equally frequent."""
    low_K, high_K = _pairs(settings).T
    return np.concatenate([low_K, high_K]), np.concatenate([high_K, low_K])


def _commonest(
    settings: DelayedDiscrimination, change_K: NDArray[np.int64]
) -> np.integer[Any] | int:
    """How many of these differences the best single answer is right for."""
    most = 0
    for side_K in (change_K[change_K > 0], -change_K[change_K < 0]):
        right_K = np.full(len(side_K), len(side_K))
        if settings.difference:  # one size is near to all within twice NEAR
            size_K = np.sort(side_K) / settings.highest
            ends_K = np.searchsorted(size_K, size_K + 2 * NEAR - 1e-9)
            right_K = ends_K - np.arange(len(side_K))
        most = max(most, right_K.max(initial=0))
    return most


def _places(
    settings: DelayedDiscrimination, delay_s: float, dt_s: float
) -> tuple[slice, slice, slice]:
    """Steps of both pulses and of the response."""
    epochs_s = {**settings.epochs_s, "delay": delay_s}
    ends = np.cumsum([round(d / dt_s) for d in epochs_s.values()]).tolist()
    return slice(ends[0], ends[1]), slice(ends[2], ends[3]), slice(ends[4], ends[5])


def _answers(settings: DelayedDiscrimination, f_C2: NDArray[np.int64]) -> Array:
    """Outputs in the response, [O]."""
    change_C = (f_C2[:, 1] - f_C2[:, 0]).astype(np.float64)
    if not settings.difference:
        return np.sign(change_C)
    size_C = np.abs(change_C) / settings.highest  # below 1, which asks for a decision
    return np.concatenate([np.sign(change_C), size_C])


def observe(settings: DelayedDiscrimination, input_BTI: Array, dt_s: float) -> Array:
    """Compares both pulses, and answers the wait after the end of the second one."""
    count, steps, _ = input_BTI.shape
    wait, response = round(settings.wait_s / dt_s), round(settings.response_s / dt_s)
    f_B2C = input_BTI.max(1).reshape(count, settings.channels, 2)
    answer = np.zeros((count, steps, settings.outputs))
    for trial, seen_T in enumerate(input_BTI[..., 1] > 0):
        onset = int(np.flatnonzero(seen_T)[-1]) + 1 + wait
        answer[trial, onset : onset + response] = _answers(settings, f_B2C[trial])
    return answer
