"""popnet's side: networks in training, each a population of its own as on any CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
import yaml
from numpy.typing import NDArray

from popnet import kernels
from popnet.catalogue import CATALOGUE
from popnet.config import LoadedSweep, load, read_text
from popnet.engine.episodes import training_batch
from popnet.engine.population import Population, joined
from popnet.engine.train import advance, begin
from popnet.kernels import reproducible
from popnet.plan import networks
from popnet.rules import RULES, Episode
from popnet.tasks import TASKS

DNMS = {"name": "dnms"}
HEBBIAN = {"name": "reward_hebbian", "wait_trials": 0}
WATCHED = {"trials": 10_000_000, "curve_every": 10_000}
WATCHED |= {"until": {"accuracy": 0.95, "stop": False}}
"""A criterion that is watched and ends nothing."""


def plan_of(count: int, **sections: Any) -> LoadedSweep:
    """The plan of a sweep file with these sections."""
    raw = {"name": "bench", "seed": 5, "networks": count, **sections}
    return load(read_text(yaml.safe_dump(raw)), CATALOGUE)


class Learners:
    """Networks in training, and trials drawn beforehand for each.

    ``trials``: of a sequential rule, how many a step is given.
    """

    def __init__(self, count: int, trials: int = 1, **sections: Any) -> None:
        members = networks(plan_of(count, train=WATCHED, **sections))
        self.populations = begin(members, torch.device("cpu"))
        self.episodes = [_drawn(p, trials) for p in self.populations]

    def step(self) -> None:
        """One call of the rule's own step for each network in turn."""
        with reproducible():
            pairs = zip(self.populations, self.episodes, strict=True)
            self.populations = [stepped(p, e) for p, e in pairs]

    def advance(self, steps: int) -> None:
        """Training as ``popnet launch`` does it: draws trials, keeps the progress."""
        going = [advance(population, steps)[0] for population in self.populations]
        self.populations = [p for p in going if p is not None]

    @property
    def w(self) -> NDArray[Any]:
        """W of the first network."""
        return self.populations[0].params.w_PNN[0].numpy().copy()

    def leaves(self, p: int) -> dict[str, Any]:
        """Network p as it stands, and dt / tau: arrays by the names of Params."""
        population = self.populations[p]
        found = {
            name.rsplit("_", 1)[0]: leaf[0].numpy()
            for name, leaf in population.params._asdict().items()
            if leaf is not None
        }
        return {**found, "a": population.cell.dt_s / found["tau"]}


class Stacked:
    """The same networks as one population in plain torch, the path of a GPU."""

    def __init__(self, learners: Learners) -> None:
        self.population = joined(learners.populations)
        with kernels_off():
            self.episode = _drawn(self.population, 1)

    def step(self) -> None:
        """One call of the rule's step for all networks."""
        with reproducible(), kernels_off():
            self.population = stepped(self.population, self.episode)


def _drawn(population: Population, trials: int) -> Episode:
    return training_batch(
        population.members, population.progress.trial_P, population.params.tau_PN,
        trials,
    )  # fmt: skip


def stepped(population: Population, episode: Episode) -> Population:
    """The population after one step of its rule, through the public interface."""
    config = population.config
    params, state, _ = RULES[config.rule.name].step(
        population.params, population.state, episode, config.rule, population.hyper,
        population.cell, TASKS[config.task.name].score,
    )  # fmt: skip
    return replace(population, params=params, state=state)


@contextmanager
def kernels_off() -> Iterator[None]:
    """popnet's plain torch, as for float64 and on a GPU."""
    fast = kernels.fast
    kernels.fast = lambda *_: False
    try:
        yield
    finally:
        kernels.fast = fast
