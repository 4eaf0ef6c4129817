"""Integrating noisy evidence in the layout of ``matching``, with and without a delay.

``selective_integration``         Mante et al., Nature 2013;503:78, in the form of
                                  Miconi, eLife 2017;6:e20899, published code: 700 steps
                                  of 1 ms, scored in the 200 after the evidence
``perceptual_decision``           the same with one modality and no context
``..._ongoing``                   both with evidence to the end of the response
``..._delayed``                   both with 0.4 s between evidence and response

With one ``delay_s`` for all, the ongoing and the delayed version of a task differ in
nothing but whether the evidence stays on.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from popnet.config import PerNetwork
from popnet.config.settings import Seconds
from popnet.tasks._trials import Scored, Wait
from popnet.tasks.integration import Integration, Strongest, Weakest
from popnet.tasks.matching import CHANNELS, A, B


class SelectiveIntegration(Integration):
    """Two modalities, a context, in the input layout of ``matching``.

    The published code multiplies noise of sd 1 and means of +-0.5 by 0.5.  It scores
    after the evidence, of which the first scored step still has some: the answer has to
    be held for 0.2 s.
    """

    reference: ClassVar[str] = "Miconi 2017, code selectiveint; Mante et al. 2013"
    summary: ClassVar[str] = "the sign of the mean of one of two modalities, by context"
    stretchable: ClassVar[tuple[str, ...]] = ("stimulus", "delay")
    variants: ClassVar[tuple[dict[str, Any], ...]] = (
        {"scored": "after", "delay_s": 0.0},
        {"scored": "during", "delay_s": 0.3},
        {"scored": "after", "delay_s": 0.3, "response_s": 0.1},
    )
    step_s: ClassVar[float] = 0.001
    name: Literal["selective_integration"] = "selective_integration"  # type: ignore[assignment]
    scored: Scored = "after"
    stimulus_s: Seconds = 0.5
    delay_s: Wait = 0.0
    response_s: Seconds = 0.2
    weakest: Weakest = 0.25
    strongest: Strongest = 0.25
    sigma: Annotated[
        float, PerNetwork, Field(ge=0, description="sd of the noise per step of 1 ms")
    ] = 0.5

    @property
    def evidence(self) -> tuple[int, ...]:
        """Modalities 1 and 2."""
        return (A, B)

    @property
    def context(self) -> tuple[int, ...]:
        """Attend to modality 1, to modality 2."""
        return (3, 4)

    @property
    def inputs(self) -> int:
        """Channels of the shared layout."""
        return CHANNELS

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
    def seen_s(self) -> float:
        """The stimulus, or all of the trial where it stays on."""
        whole_s = self.stimulus_s + self.delay_s + self.response_s
        return whole_s if self.scored == "during" else self.stimulus_s

    @property
    def memory_demand_s(self) -> float:
        """From the end of the evidence to the end of the response, in seconds."""
        return 0.0 if self.scored == "during" else self.delay_s + self.response_s

    def shown(self, dt_s: float) -> slice:
        """Steps with evidence, from step 1 as in the published code."""
        over = 1 + round(self.stimulus_s / dt_s)
        return slice(1, self.steps(dt_s) if self.scored == "during" else over)


class OngoingSelectiveIntegration(SelectiveIntegration):
    """Selective integration with evidence to the end of the response."""

    summary: ClassVar[str] = "selective integration, scored while the evidence is on"
    name: Literal["selective_integration_ongoing"] = "selective_integration_ongoing"  # type: ignore[assignment]
    scored: Scored = "during"


class DelayedSelectiveIntegration(SelectiveIntegration):
    """Selective integration with a delay between evidence and response."""

    summary: ClassVar[str] = "selective integration with a delay before the response"
    name: Literal["selective_integration_delayed"] = "selective_integration_delayed"  # type: ignore[assignment]
    delay_s: Wait = 0.4


class PerceptualDecision(SelectiveIntegration):
    """Selective integration with one modality and no context."""

    reference: ClassVar[str] = "popnet, in the layout of Miconi 2017"
    summary: ClassVar[str] = "selective integration with one modality and no context"
    name: Literal["perceptual_decision"] = "perceptual_decision"  # type: ignore[assignment]

    @property
    def evidence(self) -> tuple[int, ...]:
        """Modality 1."""
        return (A,)

    @property
    def context(self) -> tuple[int, ...]:
        """None."""
        return ()


class OngoingPerceptualDecision(PerceptualDecision):
    """A perceptual decision with evidence to the end of the response."""

    summary: ClassVar[str] = "perceptual decision, scored while the evidence is on"
    name: Literal["perceptual_decision_ongoing"] = "perceptual_decision_ongoing"  # type: ignore[assignment]
    scored: Scored = "during"


class DelayedPerceptualDecision(PerceptualDecision):
    """A perceptual decision with a delay between evidence and response."""

    summary: ClassVar[str] = "perceptual decision with a delay before the response"
    name: Literal["perceptual_decision_delayed"] = "perceptual_decision_delayed"  # type: ignore[assignment]
    delay_s: Wait = 0.4
