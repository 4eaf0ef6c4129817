"""e-prop: eligibility traces of each synapse, times an error broadcast to each unit.

Bellec et al., Nat Commun 2020;11:3625, for the units of this rate network and rule
bptt's loss without penalties; the equations are in ``rules.local``.  With symmetric
feedback it is rule bptt less one path, so that the two differ in nothing else.  The
feedback weights B [O, N] are

    symmetric   W_out itself
    random      drawn once, N(0, feedback_scale^2 / N)
    adaptive    drawn so, then changed with W_out: after each step d of W_out,
                W_out <- (1 - decay) (W_out + d),  B <- (1 - decay) (B + d)

so that B - W_out shrinks by 1 - decay a step (Kolen & Pollack 1994).  They take decay
0.01 with a learning rate of 0.01; the default has that ratio.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from torch import Tensor

from popnet.config import Network, PerNetwork, only_with
from popnet.config.settings import Inconsistent
from popnet.core.cell import Cell, Params
from popnet.core.optimisers import along
from popnet.core.scoring import Score
from popnet.rules._descent import State, at_rest
from popnet.rules._local import Local, learned, random_feedback, trained
from popnet.rules._rule import Episode, Hyper, Outcome, refuse_rate_form
from popnet.seeding import Seed


class EProp(Local):
    """Defaults: those of rule bptt, to differ from it in the gradient alone."""

    at_start: ClassVar[tuple[str, ...]] = ("feedback_scale",)
    reference: ClassVar[str] = "Bellec et al. 2020, Nat Commun 11:3625"
    summary: ClassVar[str] = "e-prop: eligibility traces, broadcast errors"
    forms: ClassVar[tuple[str, ...]] = ("current",)
    example: ClassVar[dict[str, Any]] = {"learning_rate": 0.003, "batch_trials": 8}
    state_copies: ClassVar[int] = 3

    name: Literal["eprop"] = "eprop"  # type: ignore[assignment]
    feedback: Annotated[
        Literal["symmetric", "random", "adaptive"],
        Field(description="the weights by which errors reach the units"),
    ] = "symmetric"
    feedback_scale: Annotated[
        float, PerNetwork, Field(ge=0, description="their sd at first, times sqrt(N)")
    ] = 1.0
    feedback_decay: Annotated[
        float,
        PerNetwork,
        Field(ge=0, le=1, description="of W_out too, per step, if adaptive"),
    ] = 1e-3
    optimiser: Annotated[
        Literal["adam", "sgd"],
        Field(description="sgd: learning_rate times the clipped gradient"),
    ] = "adam"
    beta1: Annotated[float, PerNetwork, Field(ge=0, lt=1)] = 0.9
    beta2: Annotated[float, PerNetwork, Field(ge=0, lt=1)] = 0.999
    epsilon: Annotated[float, PerNetwork, Field(gt=0)] = 1e-8

    @model_validator(mode="after")
    def _used(self) -> Self:
        only_with(self, "optimiser", ["adam"], "beta1", "beta2", "epsilon")
        only_with(self, "feedback", ["random", "adaptive"], "feedback_scale")
        only_with(self, "feedback", ["adaptive"], "feedback_decay")
        if self.feedback == "adaptive" and "readout" not in self.trains:
            text = "adaptive changes with a readout that learns; put readout in trains"
            raise Inconsistent("feedback", text, "trains")
        return self

    def fitted(self, network: Network) -> Self:
        """The same, for the current form alone: see ``rules.local``."""
        refuse_rate_form(network, self.name)
        return super().fitted(network)


def init(
    params: Params,
    settings: EProp,
    hyper: Hyper,
    types: int,
    seeds: Sequence[Seed],
) -> State:
    """Moments 0; feedback weights drawn, or none of their own if symmetric."""
    state = at_rest(params, trained(settings), settings.optimiser == "adam")
    if settings.feedback == "symmetric":
        return state
    sd_P = hyper["feedback_scale"] / params.tau_PN.shape[1] ** 0.5
    return state._replace(feedback_PON=random_feedback(params, sd_P, seeds))


def step(
    params: Params,
    state: State,
    episode: Episode,
    settings: EProp,
    hyper: Hyper,
    cell: Cell,
    score: Score,
) -> tuple[Params, State, Outcome]:
    """One batch of trials and one step."""
    feedback_PON = params.wout_PON if state.feedback_PON is None else state.feedback_PON
    assert feedback_PON is not None
    after, state, outcome = learned(
        params, state, episode, feedback_PON, settings, hyper, cell, score,
        settings.optimiser == "adam",
    )  # fmt: skip
    if settings.feedback == "adaptive":
        after, state = _mirrored(params, after, state, hyper["feedback_decay"])
    return after, state, outcome


def _mirrored(
    before: Params, after: Params, state: State, decay_P: Tensor
) -> tuple[Params, State]:
    """The same step for W_out and B, then both decayed."""
    assert before.wout_PON is not None and after.wout_PON is not None
    assert state.feedback_PON is not None
    keep = 1 - along(decay_P, after.wout_PON)
    feedback_PON = keep * (state.feedback_PON + after.wout_PON - before.wout_PON)
    after = after._replace(wout_PON=keep * after.wout_PON)
    return after, state._replace(feedback_PON=feedback_PON)
