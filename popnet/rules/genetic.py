"""A genetic algorithm on weights: truncation, an elite of one, Gaussian mutation.

McMahan, Kleinman & Kao, NeurIPS 2021, published code genetic.py.  In a generation:

    candidate 0        the best of the last generation: the network's own weights
    candidates 1 ...   a parent, picked at random, + mutation_sd * N(0, 1) per weight
    parents            the ``parents`` candidates of least loss, on trials that are new
                       in each generation and the same for all candidates

W, W_in and a linear W_out mutate, or what ``trains`` says; there is no crossover.
Their loss, (z(T) - y)^2 + z(1)^2, is silence: 1 where one step is scored.  They begin
with candidates drawn apart from each other; here all descend from the network as it was
drawn, so that what it learned is the way from there.

The trials that choose a candidate flatter it: the best of 50 networks that guess is
right far more often than it will be.  So what a generation reports is the score of
candidate 0, which was chosen on the trials before.  Counted are a batch's B trials, not
B times the candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor

from popnet.config import NetworkConfig, PerNetwork
from popnet.config.settings import Inconsistent
from popnet.core.cell import Cell, Params
from popnet.core.optimisers import along
from popnet.core.scoring import Score
from popnet.rules._candidates import (
    CandidateSearch,
    CandidateWeights,
    allowed,
    candidate,
    each,
    evaluated,
    network,
    normal_draws,
    normals,
)
from popnet.rules._rule import Episode, Hyper, Outcome
from popnet.seeding import Seed


class Genetic(CandidateSearch):
    """Defaults: the published code for one context, but silence: 0."""

    reference: ClassVar[str] = "McMahan, Kleinman & Kao 2021, code genetic.py"
    summary: ClassVar[str] = "genetic algorithm: mutants of the best few candidates"
    example: ClassVar[dict[str, Any]] = {
        "candidates": 10,
        "parents": 3,
        "mutation_sd": 0.03,
        "batch_trials": 8,
    }

    name: Literal["genetic"] = "genetic"  # type: ignore[assignment]
    batch_trials: Annotated[
        int, Field(ge=1, description="B, per generation; the same for all candidates")
    ] = 500
    candidates: Annotated[int, Field(ge=2, description="C, of each network")] = 50
    parents: Annotated[int, Field(ge=1, description="the best so many have young")] = 5
    mutation_sd: Annotated[
        float, PerNetwork, Field(ge=0, description="of each weight, in units of it")
    ] = 0.005

    @model_validator(mode="after")
    def _few_parents(self) -> Genetic:
        if self.parents > self.candidates:
            raise Inconsistent(
                "parents",
                f"got {self.parents}; must be at most the {self.candidates} candidates",
                "candidates",
            )
        return self

    @property
    def activity_copies(self) -> int:  # type: ignore[override]
        """Plain torch runs all candidates at once; a kernel, one after the other."""
        return 4 * self.candidates

    @property
    def state_copies(self) -> int:  # type: ignore[override]
        """The parents."""
        return self.parents

    @property
    def weight_copies(self) -> int:  # type: ignore[override]
        """What is drawn, the candidates, and what they are made of."""
        return 6 * self.candidates


class State(NamedTuple):
    """The best candidates of the last generation, K of them, the best first."""

    w_PKNN: Tensor
    win_PKNI: Tensor
    wout_PKON: Tensor | None


def draws(
    config: NetworkConfig, seed: Seed, trial: int
) -> dict[str, NDArray[np.generic]]:
    """The mutations of candidates 1 to C - 1, and the parent of each."""
    settings = config.rule
    assert isinstance(settings, Genetic)
    children = settings.candidates - 1
    random = seed.stream("candidates/parent", trial)
    parent = random.integers(settings.parents, size=children)
    return {"parent": parent, **normal_draws(config, seed, trial, children)}


def init(
    params: Params,
    settings: Genetic,
    hyper: Hyper,
    types: int,
    seeds: Sequence[Seed],
) -> State:
    """Every parent is the network as it was drawn."""
    count = settings.parents
    return State(*each(lambda leaf: torch.cat([leaf] * count, 1), candidate(params)))


def step(
    params: Params,
    state: State,
    episode: Episode,
    settings: Genetic,
    hyper: Hyper,
    cell: Cell,
    score: Score,
) -> tuple[Params, State, Outcome]:
    """One generation."""
    candidates = generation(params, state, episode, hyper["mutation_sd"])
    loss_PC, output = evaluated(params, candidates, episode, cell, hyper["silence"])
    # stable: among equals the older one stays
    best_PK = loss_PC.sort(stable=True, dim=1).indices[:, : settings.parents]
    best = chosen(candidates, best_PK)
    scores = score(output, episode.target_PBTO, episode.mask_PBTO)
    outcome = Outcome(scores.error_PB, scores.correct_PB)
    return network(params, best, 0), State(*best), outcome


def generation(
    params: Params, state: State, episode: Episode, sd_P: Tensor
) -> CandidateWeights:
    """The networks' own weights, and mutants of their parents."""
    assert episode.drawn is not None
    parents = chosen(CandidateWeights(*state), episode.drawn["parent"])
    children = each(
        lambda leaf, normal: leaf + along(sd_P, normal) * normal,
        parents, normals(params, episode.drawn),
    )  # fmt: skip
    children = allowed(params, children)
    return each(lambda *of: torch.cat(of, 1), candidate(params), children)


def chosen(candidates: CandidateWeights, which_PC: Tensor) -> CandidateWeights:
    """Candidates of each network by their numbers."""
    networks = torch.arange(len(which_PC), device=which_PC.device)[:, None]
    return each(lambda leaf: leaf[networks, which_PC], candidates)
