"""What a learning rule is: settings and two functions, with all state in tensors.

    init(params, settings, hyper, types, seeds) -> State
    step(params, state, episode, settings, hyper, cell, score)
        -> (params, state, Outcome)

``hyper`` holds every per-network number of the settings as a [P] tensor; from
``settings`` a rule reads only what the networks of a population share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from popnet.config import Network, NetworkConfig, RuleSettings
from popnet.config.settings import Inconsistent
from popnet.core.cell import Cell, Params
from popnet.core.impulses import ImpulsesGiven
from popnet.core.scoring import Score
from popnet.seeding import Seed

Hyper = Mapping[str, Tensor]


class Episode(NamedTuple):
    """One batch of trials of P networks, with all that is random in it."""

    input_PBTI: Tensor
    target_PBTO: Tensor
    mask_PBTO: Tensor
    type_PB: Tensor
    """The type of each trial."""
    trial_P: Tensor
    """How many trials each network has seen before this batch."""
    x0_PBN: Tensor
    noise_PBTN: Tensor | None
    """Recurrent noise as a current."""
    impulses: ImpulsesGiven | None = None
    """Lists on the CPU, a current on a GPU; ``core.impulses.currents`` makes one
    current of both.  In the rate form phi is of that current, and saturates, so that
    the effect would depend on dt_s: a rule with impulses has to refuse that form."""
    drawn: Mapping[str, Tensor] | None = None
    """What the rule's ``draws`` gave."""


MATCHED: dict[str, Any] = {
    "form": "current",
    "gain": 1.0,
    "input_law": "normal",
    "readout": {"kind": "linear", "law": "normal"},
    "clamped": {},
}
"""The network of every rule's preset ``matched``: tanh units, all weights drawn in the
same way, none held still, so that rules differ in nothing but how they learn.  W alone
is trained, wherever the rule leaves a choice.  The rules' publications differ in
nonlinearity, first weights, readout and trained part at once (McMahan et al. 2021,
code), which confounds a rule with its network."""


class Published(RuleSettings):
    """A rule as published, or matched to the others.  Not a rule itself."""

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "published": {},
        "matched": {"trains": ("recurrent",)},
    }
    preset_networks: ClassVar[dict[str, dict[str, Any]]] = {"matched": MATCHED}

    preset: Annotated[
        Literal["published", "matched"],
        Field(description="matched: the network and trained part all rules share"),
    ] = "published"


Draws = Callable[[NetworkConfig, Seed, int], dict[str, NDArray[np.generic]]]
"""What is random in a rule's own step, of one network: ``draws(config, seed, trial)``
with the number of its next trial.  It stands in ``Episode.drawn``, P first."""


class Outcome(NamedTuple):
    """What a learning step reports of each trial."""

    error_PB: Tensor
    correct_PB: Tensor


Step = Callable[
    [Params, Any, Episode, Any, Hyper, Cell, Score], tuple[Params, Any, Outcome]
]
"""``step`` of a rule, see above."""


class Rule(NamedTuple):
    """A learning rule."""

    settings: type[RuleSettings]
    init: Callable[[Params, Any, Hyper, int, Sequence[Seed]], Any]
    step: Step
    draws: Draws | None = None
    """Of a rule that is not sequential."""
    begin: Callable[[Params, Any, Hyper], Params] | None = None
    """``begin(params, settings, hyper)``: what the rule makes of networks as they are
    drawn, before anything is learned."""


def in_turn(
    step: Step,
    params: Params,
    state: Any,
    episode: Episode,
    settings: RuleSettings,
    hyper: Hyper,
    cell: Cell,
    score: Score,
) -> tuple[Params, Any, Outcome]:
    """Trials one after the other, each a ``step`` with a batch of one."""
    outcomes = []
    for trial in range(episode.type_PB.shape[1]):
        params, state, outcome = step(
            params, state, _one_of(episode, trial), settings, hyper, cell, score
        )
        outcomes.append(outcome)
    joined = (torch.cat(column, 1) for column in zip(*outcomes, strict=True))
    return params, state, Outcome(*joined)


def _one_of(episode: Episode, trial: int) -> Episode:
    """One of a batch's trials, as a batch."""
    now = slice(trial, trial + 1)
    noise_PBTN, impulses = episode.noise_PBTN, episode.impulses
    if isinstance(impulses, Tensor):
        impulses = impulses[:, now]
    elif impulses is not None:
        impulses = [of_network[now] for of_network in impulses]
    return Episode(
        episode.input_PBTI[:, now],
        episode.target_PBTO[:, now],
        episode.mask_PBTO[:, now],
        episode.type_PB[:, now],
        episode.trial_P + trial,
        episode.x0_PBN[:, now],
        None if noise_PBTN is None else noise_PBTN[:, now],
        impulses,
    )


def refuse_feedback(network: Network, rule: str) -> None:
    """For rules whose updates leave the output's feedback out of account."""
    if network.feedback > 0:
        raise Inconsistent(
            "network.feedback",
            f"got {network.feedback:g}; rule {rule} leaves out how the output acts "
            "back on the network; use feedback: 0, or rule: force",
            "rule",
        )


def refuse_rate_form(network: Network, rule: str) -> None:
    """For rules whose equations are those of units that filter their current."""
    if network.form == "rate":
        raise Inconsistent(
            "network.form",
            f"got rate; rule {rule} is for units that filter their current; use form: "
            "current, or rule: bptt, rflo, policy_gradient, genetic or "
            "evolution_strategies",
            "rule",
        )
