"""Trains the networks of one condition in turns, up to one trial after another.

This is the body of a trial of a search; it reads the clock and the store and uses no
Ray.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable

import torch

from popnet.engine.population import Population, resumed, start
from popnet.engine.train import advance
from popnet.engine.trained import results
from popnet.plan import PlannedNetwork
from popnet.runs.columns import STOPPED_BY
from popnet.status import Status
from popnet.store import checkpoints
from popnet.store.store import Store
from popnet.work import search_score
from popnet.work.shard import STEPS, Shard, curve_of, row_of
from popnet.work.shard_report import ShardReport


class ConditionInTraining(Shard):
    """The networks of one condition; ``to`` trains each of them up to some trial."""

    def take(self, members: tuple[PlannedNetwork, ...]) -> None:
        """Take up a condition's networks, each from its checkpoint or record."""
        super().take(members)
        self.members = members
        keys = [m.key for m in members]
        self.ended = search_score.recorded_curves(self.store, keys)

    def to(self, trials: int) -> ShardReport:
        """Train each network up to this trial or its end; record and checkpoint."""
        before, statuses = self._trials(), Counter[str]()
        recorded: dict[str, str] = {}
        index = 0
        while index < len(self.populations):
            population = self.populations[index]
            steps = _steps_to(population, trials)
            if not steps:
                index += 1
                continue
            going, ended = advance(population, min(STEPS, steps))
            self.populations[index : index + 1] = [] if going is None else [going]
            self.finished += ended
            self.ended |= {t.network.key: search_score.ended_curve(t) for t in ended}
            statuses.update(t.status.value for t in ended)
            if time.monotonic() - self.last_checkpoint > self.checkpoint_s:
                recorded |= self._record()
                self._checkpoint()
        recorded |= self._record()
        if not self.populations:
            checkpoints.drop(self.store.backend, self.name)
        elif self._trials() > before:
            self._checkpoint()
        done = not self.populations
        trained = self._trials() - before
        return ShardReport(self.name, trained, dict(statuses), recorded, done)

    def _trials(self) -> int:
        live = sum(int(p.progress.trial_P.sum()) for p in self.populations)
        return live + sum(curve.trials for curve in self.ended.values())

    def score(self, trials: int, metric: str) -> search_score.Score:
        """Return the condition's score after so many trials of each network."""
        curves = {**self.ended, **search_score.curves_in_training(self.populations)}
        each = [curves[m.key] for m in self.members]
        return search_score.score(each, self.members[0].config, trials, metric)


def _steps_to(population: Population, trials: int) -> int:
    """Return the learning steps until each network has seen so many trials or ends."""
    rule, cap = population.config.rule, population.config.train.trials
    left = trials - int(population.progress.trial_P.min())
    steps = left if rule.sequential else math.ceil(left / rule.batch)
    return max(int(trials >= cap), steps)


def record_stopped(
    store: Store, members: Iterable[PlannedNetwork], scheduler: str
) -> int:
    """Record the networks of a stopped condition as their checkpoints have them.

    Returns how many there are: networks that ended before are not stopped.  Stopped
    networks do not count as trained.  Their checkpoints stay, and a sweep that asks for
    them without this search trains them on from there.
    """
    recorded = store.recorded()
    left = {m.key: m for m in members if m.key not in recorded}
    rows, curve = [], []
    cpu, now = torch.device("cpu"), time.time()
    for key, arrays in checkpoints.load(store.backend, left).networks.items():
        saved = {name: torch.from_numpy(array) for name, array in arrays.items()}
        one = resumed(start([left[key]], cpu), saved)
        (stopped,) = results(one, {0: Status.STOPPED})
        until = {"until": stopped.trials}
        about = {STOPPED_BY: scheduler, "recorded_at": now}
        rows.append({**row_of(stopped), **until, **about})
        curve += [{**point, **until} for point in curve_of(stopped)]
    tables = {"stopped_networks": rows, "stopped_curves": curve}
    if rows:
        reached = "/".join(f"{row['key']}{row['until']}" for row in rows)
        store.commit("stopped", left, tables, {}, reached)
    return len(rows)
