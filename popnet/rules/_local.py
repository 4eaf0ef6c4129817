"""What rules eprop and rflo share: errors broadcast to units that learn on their own.

The gradient of rule bptt with one path cut: the rates that W passes on are taken as
given.  With a = dt / tau, psi = slope phi'(x), L = B' dL/dz the learning signal, and B
the feedback weights in the place of W_out (Bellec et al. 2020; Murray 2019):

    eps_ij(t) = (1 - a_i) eps_ij(t-1) + a_i r_j(t-1)
    e_ij(t)   = psi_i(t) eps_ij(t)                      the eligibility trace
    dW_ij     = -rate sum_t L_i(t) e_ij(t)

and so for W_in and b, with u_j(t) and 1 for r_j; W_out learns by its own gradient.
In this network, whose state x is the only one of a unit, e_ij is dr_i(t)/dW_ij without
that path, autapses included.

Run forward in time as a synapse would, eps_ij needs a number per weight and trial as
soon as units differ in tau.  What is wanted is its sum at the trial's end.  With the
order of the two sums exchanged,

    q_i(s)    = a_i sum_{t > s} (1 - a_i)^(t-s-1) psi_i(t) L_i(t)
    dW_ij     = -rate sum_s q_i(s) r_j(s)

it is a filter per unit that runs backward (``core.backward``, not ``recurrent``): the
same numbers for any tau, and memory [B, T, N].  Clamped units learn nothing.

In the rate form, which rule rflo alone has, psi is of the total current v and stands
inside the trace, and the rates are the states:

    e_ij(t)   = (1 - a_i) e_ij(t-1) + a_i psi_i(t-1) r_j(t-1)
    q_i(s)    = a_i psi_i(s) sum_{t > s} (1 - a_i)^(t-s-1) L_i(t)

with the same dW.  Here e_ij does not split into a factor of i and one of j even where
all tau are one; the filter that runs backward does not need it to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor

from popnet.config import Network, PerNetwork
from popnet.config.settings import Inconsistent
from popnet.core.cell import Cell, Params
from popnet.core.constraints import project
from popnet.core.optimisers import along
from popnet.core.scoring import Score
from popnet.rules._descent import State, stepped
from popnet.rules._rule import Episode, Hyper, Outcome, Published, refuse_feedback
from popnet.rules._trained_parts import LEAVES, in_order
from popnet.rules.bptt import Penalties, loss_gradients
from popnet.seeding import Seed

Part = Literal["recurrent", "input", "readout", "bias"]


class Local(Published):
    """Settings of a rule with local traces and broadcast errors."""

    readouts: ClassVar[tuple[str, ...]] = ("linear",)
    takes_feedback: ClassVar[bool] = False
    network_defaults: ClassVar[dict[str, Any]] = {
        "readout": {"kind": "linear"},
        "clamped": {},
    }
    weight_copies: ClassVar[int] = 7
    activity_copies: ClassVar[int] = 12
    kernel_copies: ClassVar[int] = 12

    learning_rate: Annotated[float, PerNetwork, Field(ge=0)] = 1e-3
    clip: Annotated[
        float, PerNetwork, Field(gt=0, description="largest norm of the gradient")
    ] = 1.0
    batch_trials: Annotated[int, Field(ge=1, description="B, per step")] = 32
    trains: Annotated[
        tuple[Part, ...],
        Field(strict=False, min_length=1, description="what is trained"),
    ] = ("recurrent", "input", "readout", "bias")

    @field_validator("trains")
    @classmethod
    def _in_order(cls, trains: tuple[Part, ...]) -> tuple[Part, ...]:
        return in_order(trains)  # type: ignore[return-value]

    def fitted(self, network: Network) -> Self:
        """The same, for a linear readout without feedback alone."""
        refuse_feedback(network, self.name)
        if network.readout.kind == "unit":
            raise Inconsistent(
                "network.readout",
                f"rule {self.name} sends errors back to all units in the place of "
                "readout weights, and an output unit has none; use readout: "
                "{kind: linear}",
                "rule",
            )
        return self

    @property
    def batch(self) -> int:
        """Trials per step."""
        return self.batch_trials


def trained(settings: Local) -> list[str]:
    """Names of the trained tensors."""
    return [LEAVES[part] for part in settings.trains]


def random_feedback(params: Params, sd_P: Tensor, seeds: Sequence[Seed]) -> Tensor:
    """B ~ N(0, sd^2), [P, O, N], each network's from its own stream."""
    assert params.wout_PON is not None
    _, outputs, units = params.wout_PON.shape
    # output by output: with more of them a network keeps its first ones
    drawn = [
        seed.stream("rule/feedback").standard_normal((outputs, units)) for seed in seeds
    ]
    unit_PON = torch.from_numpy(np.stack(drawn)).to(params.wout_PON)
    return along(sd_P, unit_PON) * unit_PON


def learned(
    params: Params,
    state: State,
    episode: Episode,
    feedback_PON: Tensor,
    settings: Local,
    hyper: Hyper,
    cell: Cell,
    score: Score,
    adam: bool,
) -> tuple[Params, State, Outcome]:
    """One batch of trials and one step by the traces, errors sent by ``feedback``."""
    none_P = torch.zeros_like(hyper["learning_rate"])
    penalties = Penalties(none_P, none_P, none_P)
    output, by_leaf = loss_gradients(params, episode, cell, penalties, feedback_PON)
    leaves = trained(settings)
    changed, state = stepped(
        params, state, by_leaf._asdict(), leaves, hyper, adam, False
    )
    scores = score(output, episode.target_PBTO, episode.mask_PBTO)
    outcome = Outcome(scores.error_PB, scores.correct_PB)
    return project(params._replace(**changed)), state, outcome
