"""Evolution strategies: a gradient estimated from the losses of random neighbours.

Salimans et al., arXiv 1703.03864, published code es_distributed/es.py.  With theta the
weights of a network, n pairs of neighbours and e_i ~ N(0, I):

    L+-_i  = loss(theta +- sigma e_i), on the same trials for all neighbours
    R+-_i  = their ranks among all 2 n, from -1/2 (least) to 1/2; equal losses share one
    g      = 1 / (2 n) sum_i (R+_i - R-_i) e_i
    theta <- Adam(theta, g + weight_decay theta)

There is no 1 / sigma in g: ranks have no unit, and Adam takes out a common factor.
theta is W, W_in and a linear W_out, or what ``trains`` says; neighbours keep masks and
Dale's law as the network does.  What a step reports is the score of theta itself, which
is run besides, before its update.  Counted are a batch's B trials, not B times the
neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from popnet.config import NetworkConfig, PerNetwork
from popnet.core.cell import Cell, Params
from popnet.core.constraints import project
from popnet.core.optimisers import along
from popnet.core.scoring import Score
from popnet.rules._candidates import (
    ALL,
    CandidateSearch,
    CandidateWeights,
    allowed,
    candidate,
    each,
    evaluated,
    normal_draws,
    normals,
)
from popnet.rules._descent import State, at_rest, stepped
from popnet.rules._rule import Episode, Hyper, Outcome
from popnet.rules._trained_parts import LEAVES
from popnet.seeding import Seed

ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "clip": math.inf}
"""As in the published code, which does not clip."""


class EvolutionStrategies(CandidateSearch):
    """Defaults: sigma and learning rate of the published humanoid.json."""

    reference: ClassVar[str] = "Salimans et al. 2017, arXiv 1703.03864"
    summary: ClassVar[str] = "evolution strategies: pairs of neighbours, ranks, Adam"
    example: ClassVar[dict[str, Any]] = {"pairs": 6, "batch_trials": 8}
    state_copies: ClassVar[int] = 2
    dt_tolerance: ClassVar[float] = 0.2  # Adam divides a gradient by its own size

    name: Literal["evolution_strategies"] = "evolution_strategies"  # type: ignore[assignment]
    pairs: Annotated[int, Field(ge=1, description="n, neighbours are 2 n")] = 32
    sigma: Annotated[
        float, PerNetwork, Field(gt=0, description="sd of a neighbour's weights")
    ] = 0.02
    learning_rate: Annotated[float, PerNetwork, Field(ge=0)] = 0.01
    weight_decay: Annotated[
        float, PerNetwork, Field(ge=0, description="times each weight, added to g")
    ] = 0.0

    @property
    def activity_copies(self) -> int:  # type: ignore[override]
        """Plain torch runs network and neighbours at once; a kernel, in turn."""
        return 4 * (1 + 2 * self.pairs)

    @property
    def weight_copies(self) -> int:  # type: ignore[override]
        """What is drawn, the candidates, and what they are made of; and Adam."""
        return 9 * self.pairs + 12


def draws(
    config: NetworkConfig, seed: Seed, trial: int
) -> dict[str, NDArray[np.generic]]:
    """e_i of each pair."""
    assert isinstance(config.rule, EvolutionStrategies)
    return normal_draws(config, seed, trial, config.rule.pairs)


def init(
    params: Params,
    settings: EvolutionStrategies,
    hyper: Hyper,
    types: int,
    seeds: Sequence[Seed],
) -> State:
    """Moments 0."""
    return at_rest(params, list(_searched(params, settings)), adam=True)


def step(
    params: Params,
    state: State,
    episode: Episode,
    settings: EvolutionStrategies,
    hyper: Hyper,
    cell: Cell,
    score: Score,
) -> tuple[Params, State, Outcome]:
    """One batch of trials and one step of Adam."""
    normal = normals(params, episode.drawn)
    candidates = neighbours(params, normal, hyper["sigma"])
    loss_PC, output = evaluated(params, candidates, episode, cell, hyper["silence"])
    scores = score(output, episode.target_PBTO, episode.mask_PBTO)
    outcome = Outcome(scores.error_PB, scores.correct_PB)
    downhill = gradient(ranks(loss_PC[:, 1:]), normal)
    changed, state = _descended(params, state, downhill, settings, hyper)
    return project(params._replace(**changed)), state, outcome


def neighbours(
    params: Params, normal: CandidateWeights, sigma_P: Tensor
) -> CandidateWeights:
    """theta, theta + sigma e_1 ..., theta - sigma e_1 ...: 1 + 2 n candidates."""

    def around(own: Tensor, e: Tensor) -> Tensor:
        away = along(sigma_P, e) * e
        return torch.cat([own, own + away, own - away], 1)

    return allowed(params, each(around, candidate(params), normal))


def ranks(loss_PM: Tensor) -> Tensor:
    """From -1/2, the least loss, to 1/2; equal ones have their mean rank."""
    one, other = loss_PM[:, :, None], loss_PM[:, None, :]
    below_PM = (one > other).sum(2)
    equal_PM = (one == other).sum(2) - 1
    rank_PM = (below_PM + 0.5 * equal_PM).to(loss_PM.dtype)
    return rank_PM / (loss_PM.shape[1] - 1) - 0.5


def gradient(value_PM: Tensor, normal: CandidateWeights) -> CandidateWeights:
    """g, from values of the 2 n neighbours: ranks of their losses.

    [P, 1, ...]: as one candidate.  Pair by pair: a matrix product's last bits would
    depend on the number of networks.
    """
    pairs = value_PM.shape[1] // 2
    weight_PM = (value_PM[:, :pairs] - value_PM[:, pairs:]) / (2 * pairs)

    def summed(e: Tensor) -> Tensor:
        total = torch.zeros_like(e[:, 0])
        for i in range(pairs):
            total = total + along(weight_PM[:, i], total) * e[:, i]
        return total[:, None]

    return each(summed, normal)


def _searched(params: Params, settings: EvolutionStrategies) -> dict[str, Tensor]:
    """The weights that are searched for, by name."""
    leaves = {LEAVES[part]: getattr(params, LEAVES[part])
              for part in settings.trains or ALL}  # fmt: skip
    return {name: leaf for name, leaf in leaves.items() if leaf is not None}


def _descended(
    params: Params,
    state: State,
    downhill: CandidateWeights,
    settings: EvolutionStrategies,
    hyper: Hyper,
) -> tuple[dict[str, Tensor], State]:
    """The weights after a step of Adam on the estimated gradient, by name."""
    own = _searched(params, settings)
    estimates = dict(zip((LEAVES[part] for part in ALL), downhill, strict=True))
    by_leaf = {}
    for name, value in own.items():
        estimate = estimates[name]
        assert estimate is not None
        by_leaf[name] = estimate[:, 0] + along(hyper["weight_decay"], value) * value
    rate_P = hyper["learning_rate"]
    constants = {name: torch.full_like(rate_P, value) for name, value in ADAM.items()}
    return stepped(
        params, state, by_leaf, list(own), {**hyper, **constants}, True, False
    )
