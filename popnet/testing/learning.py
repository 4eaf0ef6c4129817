"""Networks that learn a rule's small task, step by step.  P networks, B trials."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popnet.core.cell import Params
from popnet.engine.episodes import training_batch
from popnet.engine.population import Population, start
from popnet.kernels import reproducible
from popnet.plan import TRIALS_AT_ONCE, PlannedNetwork
from popnet.rules import RULES, Episode, Outcome
from popnet.tasks import TASKS
from popnet.testing.checking import example_of
from popnet.testing.networks import CPU, planned

LEARNERS = 4
"""Networks that learn the small task."""


def members_of(name: str, count: int = 3, **network: Any) -> list[PlannedNetwork]:
    """Networks that learn the rule's ``small_task`` by it."""
    settings = example_of(RULES[name].settings)
    return planned(
        settings.small_task,
        {"name": name, **settings.example},
        {**settings.small_network, **network},
        count,
        settings.learns_in_trials,
    )


class Stepped(NamedTuple):
    """The results of some learning steps."""

    params: Params
    state: Any
    outcome: Outcome


def flipped(episode: Episode) -> Episode:
    """The same trials with the opposite target."""
    return episode._replace(target_PBTO=-episode.target_PBTO)


def stepped(population: Population, steps: int, flip: bool = False) -> Stepped:
    """Learning steps on the whole population at once, as on a GPU."""
    params, state, outcome = population.params, population.state, None
    batch = population.config.rule.batch
    with reproducible():
        for step in range(steps):
            # beyond the waiting time of rules that have one
            episode = episode_of(population, params, 1000 + step * batch)
            params, state, outcome = step_of(
                population, params, state, flipped(episode) if flip else episode
            )
    assert outcome is not None
    return Stepped(params, state, outcome)


def episode_of(
    population: Population, params: Params, trial: int, together: int = 1
) -> Episode:
    """The next batch of each network, after so many trials.

    ``together``: how many trials a sequential rule is given at once.
    """
    trial_P = torch.full((len(population.members),), trial)
    return training_batch(population.members, trial_P, params.tau_PN, together)


def step_of(
    population: Population, params: Params, state: Any, episode: Episode
) -> Stepped:
    """One learning step of the rule."""
    config = population.config
    return Stepped(
        *RULES[config.rule.name].step(
            params, state, episode, config.rule, population.hyper, population.cell,
            TASKS[config.task.name].score,
        )
    )  # fmt: skip


def taught(name: str, shuffled: bool) -> NDArray[np.bool_]:
    """Correctness of trials of the small task while networks learn it, [P, trials].

    ``shuffled``: each trial has the target of another one, whose type is drawn.
    """
    trials = RULES[name].settings.learns_in_trials
    population = start(members_of(name, count=LEARNERS), CPU)
    params, state = population.params, population.state
    random = np.random.default_rng(0)
    settings, correct = population.config.rule, []
    batch = TRIALS_AT_ONCE if settings.sequential else settings.batch
    with reproducible():
        for first in range(0, trials, batch):
            episode = episode_of(population, params, first, batch)
            if shuffled:
                target_PBTO = _any_target(population, episode, random)
                episode = episode._replace(target_PBTO=target_PBTO)
            params, state, outcome = step_of(population, params, state, episode)
            correct.append(outcome.correct_PB.numpy())
    return np.concatenate(correct, 1)


def _any_target(
    population: Population, episode: Episode, random: np.random.Generator
) -> Tensor:
    """Targets of trials of the same task, of types drawn at random."""
    config = population.config
    networks, trials = episode.type_PB.shape
    types_B = random.integers(0, config.task.types, networks * trials)
    drawn = TASKS[config.task.name].draw(
        config.task, types_B, config.network.dt_s, random
    )
    target = torch.from_numpy(np.array(drawn.target_BTO))
    return target.reshape(episode.target_PBTO.shape).to(episode.target_PBTO)
