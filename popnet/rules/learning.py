"""What a learning rule is: settings and two functions, with all state in tensors.

    init(params, settings, hyper, types, seeds) -> State
    step(params, state, episode, settings, hyper, cell, score)
        -> (params, state, Outcome)

``hyper`` holds every per-network number of the settings as a [P] tensor; from
``settings`` a rule reads only what the networks of a population share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from popnet.config import Network, NetworkConfig, RuleSettings
from popnet.config.settings import Inconsistent
from popnet.core.cell import Cell, Params
from popnet.core.kicks import Impulses
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
    kicks: Impulses | None = None
    """Lists on the CPU, a current on a GPU; ``core.kicks.currents`` makes one current
    of both."""
    drawn: Mapping[str, Tensor] | None = None
    """What the rule's ``draws`` gave."""


Draws = Callable[[NetworkConfig, Seed, int], dict[str, NDArray[np.generic]]]
"""What is random in a rule's own step, of one network: ``draws(config, seed, trial)``
with the number of its next trial.  It stands in ``Episode.drawn``, P first."""


class Outcome(NamedTuple):
    """What a learning step reports of each trial."""

    error_PB: Tensor
    correct_PB: Tensor


class Rule(NamedTuple):
    """A learning rule."""

    settings: type[RuleSettings]
    init: Callable[[Params, Any, Hyper, int, Sequence[Seed]], Any]
    step: Callable[
        [Params, Any, Episode, Any, Hyper, Cell, Score], tuple[Params, Any, Outcome]
    ]
    draws: Draws | None = None
    """Of a rule that is not sequential."""
    begin: Callable[[Params, Any, Hyper], Params] | None = None
    """``begin(params, settings, hyper)``: what the rule makes of networks as they are
    drawn, before anything is learned."""


def refuse_feedback(network: Network, rule: str) -> None:
    """For rules whose updates leave the output's feedback out of account."""
    if network.feedback > 0:
        raise Inconsistent(
            "network.feedback",
            f"got {network.feedback:g}; rule {rule} leaves out how the output acts "
            "back on the network; use feedback: 0, or rule: force",
            "rule",
        )
