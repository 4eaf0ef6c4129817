"""Which sign has the mean of a noisy input?  One, or the one a context points at.

``random_dots``, ``n_context``: McMahan, Kleinman & Kao, NeurIPS 2021, published code:
750 steps of 3 ms, evidence from first to last.  ``selective_integration`` and its
relatives, in a file of their own, draw their trials here.

The input of a channel is sign |mean| + sigma xi(t) per step of the paper, with one
|mean| ~ U(weakest, strongest) for all channels of a trial, signs of their own, and xi
standard normal.  With a time step dt the noise is sigma sqrt(paper's step / dt) xi:
evidence per second does not depend on dt.  Context channels are 1 or 0 all trial long,
without noise.  With N channels trial type k is (context k mod N, sign + if k < N); the
signs of the other channels are random.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from popnet.config import PerNetwork, TaskSettings
from popnet.config.settings import Seconds
from popnet.tasks._evidence import in_order, noise_sd, share_right, streams
from popnet.tasks._trials import Array, Trials

LEVELS = 11
"""Levels of evidence at which the network is looked at when it rests."""
Weakest = Annotated[float, PerNetwork, Field(ge=0, description="least |mean|")]
Strongest = Annotated[float, PerNetwork, Field(ge=0, description="largest |mean|")]


class Integration(TaskSettings):
    """The sign of the attended mean.  Not a task itself."""

    stretchable: ClassVar[tuple[str, ...]] = ("stimulus",)
    step_s: ClassVar[float] = 0.003
    """Time step of the paper, at which ``sigma`` is given."""

    stimulus_s: Seconds = 2.22
    response_s: Seconds = 0.03
    weakest: Weakest = 0.0
    strongest: Strongest = 0.1857
    sigma: Annotated[
        float, PerNetwork, Field(ge=0, description="sd of the noise per step of 3 ms")
    ] = 0.5
    target: Annotated[float, Field(gt=0, le=1, description="output asked for")] = 1.0

    @model_validator(mode="after")
    def _ordered(self) -> Integration:
        in_order("weakest", self.weakest, "strongest", self.strongest)
        return self

    @property
    def evidence(self) -> tuple[int, ...]:
        """Channels with evidence."""
        return (0,)

    @property
    def context(self) -> tuple[int, ...]:
        """Channels that point at the evidence to attend to; none if there is one."""
        return ()

    @property
    def outputs(self) -> int:
        """One decision."""
        return 1

    @property
    def inputs(self) -> int:
        """Evidence and context channels."""
        return len(self.evidence) + len(self.context)

    @property
    def types(self) -> int:
        """Attended channel and its sign: 1 +, 2 + ... 1 -, 2 - ..."""
        return 2 * len(self.evidence)

    @property
    def epochs_s(self) -> dict[str, float]:
        """Durations by epoch, in order, in seconds."""
        return {"stimulus": self.stimulus_s, "response": self.response_s}

    @property
    def memory_demand_s(self) -> float:
        """None: there is evidence to the end."""
        return 0.0

    @property
    def evidence_channels(self) -> tuple[tuple[int, ...], ...]:
        """The evidence; a context is no stimulus."""
        return (self.evidence,)

    @property
    def rest_inputs(self) -> tuple[tuple[float, ...], ...]:
        """11 levels of evidence without noise, in every context: from -1 to 1 times
        the strongest, on the attended channel alone.
        """
        found = []
        for place, channel in enumerate(self.evidence):
            for level in np.linspace(-self.strongest, self.strongest, LEVELS):
                input_I = np.zeros(self.inputs)
                input_I[channel] = level
                if self.context:
                    input_I[self.context[place]] = 1
                found.append(tuple(input_I.tolist()))
        return tuple(found)

    @property
    def strengths(self) -> tuple[float, ...] | None:
        """The strongest |mean|, halved again and again."""
        if self.strongest == 0:
            return None
        return tuple(self.strongest / 2**halvings for halvings in range(6, -1, -1))

    def of_strength(self, strength: float) -> Self:
        """With this |mean| in all trials."""
        return self.model_copy(update={"weakest": strength, "strongest": strength})

    @property
    def seen_s(self) -> float:
        """How long there is evidence, in seconds."""
        return self.stimulus_s + self.response_s

    @property
    def ceiling(self) -> float:
        """Phi(|mean| sqrt(steps of the paper) / sigma), averaged over |mean|."""
        law = self.weakest, self.strongest
        return share_right(*law, self.sigma, self.step_s, self.seen_s)

    def shown(self, dt_s: float) -> slice:
        """Steps with evidence: all, so also those that are scored."""
        return slice(0, self.steps(dt_s))


class RandomDots(Integration):
    """Which way do the dots move?  One input; its last 30 ms are scored.

    The published code scores the last of its steps (3 ms) alone; its loss also asks for
    an output of 0 at the first step.
    """

    reference: ClassVar[str] = "McMahan, Kleinman & Kao 2021, code task/williams.py"
    summary: ClassVar[str] = "the sign of the mean of one noisy input"
    name: Literal["random_dots"] = "random_dots"  # type: ignore[assignment]


class NContext(Integration):
    """N noisy inputs, of which a context input points at one.

    On their validation set the published code counts trials of mean 0 as correct,
    whatever the answer; here such a trial has the sign of its type.
    """

    reference: ClassVar[str] = "McMahan, Kleinman & Kao 2021, code task/Ncontext.py"
    summary: ClassVar[str] = "the sign of the mean of one of N noisy inputs, by context"
    name: Literal["n_context"] = "n_context"  # type: ignore[assignment]
    contexts: Annotated[
        int, Field(ge=1, le=6, description="N, also inputs of evidence")
    ] = 2

    @property
    def evidence(self) -> tuple[int, ...]:
        """The first N channels."""
        return tuple(range(self.contexts))

    @property
    def context(self) -> tuple[int, ...]:
        """The last N channels."""
        return tuple(range(self.contexts, 2 * self.contexts))


def draw(
    settings: Integration,
    types_B: NDArray[np.int64],
    dt_s: float,
    random: np.random.Generator,
) -> Trials:
    """Trials of type context and sign."""
    count, steps = len(types_B), settings.steps(dt_s)
    channels, shown = list(settings.evidence), settings.shown(dt_s)
    attended_B = types_B % len(channels)
    sign_B = np.where(types_B < len(channels), 1.0, -1.0)
    sd = noise_sd(settings.sigma, settings.step_s, dt_s)
    inputs = np.zeros((count, steps, settings.inputs))
    for trial, own in enumerate(streams(random, count)):
        strength = own.uniform(settings.weakest, settings.strongest)
        sign_C = np.where(own.random(len(channels)) < 0.5, -1.0, 1.0)
        sign_C[attended_B[trial]] = sign_B[trial]
        xi = own.standard_normal((shown.stop - shown.start, len(channels)))
        inputs[trial][shown, channels] = strength * sign_C + sd * xi
        if settings.context:
            inputs[trial][:, settings.context[attended_B[trial]]] = 1
    target = np.broadcast_to(
        (settings.target * sign_B)[:, None, None], (count, steps, 1)
    )
    mask = np.zeros((count, steps, 1), dtype=bool)
    mask[:, -round(settings.response_s / dt_s) :] = True
    return Trials(inputs, target, mask)


def observe(settings: Integration, input_BTI: Array, dt_s: float) -> Array:
    """Sums all evidence of the channel that the context points at; decides once."""
    total_BI = input_BTI.sum(1)
    attended_B = np.zeros(len(total_BI), dtype=np.int64)
    if settings.context:
        attended_B = total_BI[:, list(settings.context)].argmax(1)
    channel_B = np.array(settings.evidence)[attended_B]
    evidence_B = np.take_along_axis(total_BI, channel_B[:, None], axis=1)
    answer_B1 = settings.target * np.where(evidence_B < 0, -1.0, 1.0)
    return np.repeat(answer_B1[:, None], input_BTI.shape[1], axis=1)
