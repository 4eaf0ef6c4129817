"""Population-based training: members that take over the networks of better ones.

Ray Tune's PopulationBasedTraining says who takes over whose networks and with which
settings.  A network is its seed and the settings it had, each until some trial: these
are in its key, and it can be trained again alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import PopulationBasedTraining

from popnet.config import Law, LoadedSweep, Pbt, Source
from popnet.plan import PlannedNetwork, networks
from popnet.runs import Run
from popnet.runs.search_ledger import DONE, Ledger, member_of
from popnet.seeding import stream
from popnet.store import checkpoints
from popnet.store.atomic_files import write_json
from popnet.sweep.search_trial import (
    REACHED,
    SCORE,
    SearchContext,
    Start,
    TrainCondition,
)
from popnet.sweep.train_pack import TrainingSite
from popnet.sweep.tune_packs import Losses, Report
from popnet.work.shard import shard_name

MEMBER = "member"
CHECKPOINTS = 4
"""Looks of each member that Ray Tune keeps, for others to take over."""


class TuneSetup(NamedTuple):
    """What Ray Tune is given to search in one way or the other."""

    trainable: type[TrainCondition]
    brief: SearchContext
    space: dict[str, Any]
    tuned: dict[str, Any]
    heard: Losses
    kept: int
    """Checkpoints of each trial."""


def population_based(
    run: Run, source: Source, site: TrainingSite, report: Report, pbt: Pbt
) -> TuneSetup:
    """Members from where the ledger has them; the scheduler begins anew."""
    asked, ledger = run.sweep.search, run.ledger
    assert asked is not None and ledger is not None
    starts = _starts(run, ledger, pbt)
    scheduler = Exploration(
        pbt,
        site.workers,
        time_attr=REACHED,
        perturbation_interval=asked.every,
        burn_in_period=asked.grace,
        hyperparam_mutations={"values": {p: _domain(w) for p, w in pbt.space.items()}},
        quantile_fraction=pbt.quantile,
        resample_probability=pbt.resample,
        perturbation_factors=pbt.perturb,
        log_config=False,
    )
    brief = SearchContext(source, run.sweep, (), {}, site, starts)
    begun = [{MEMBER: number, **start.values} for number, start in starts.items()]
    space = {"values": tune.grid_search(begun)}
    heard = _Heard(run, ledger, report)
    return TuneSetup(
        TrainMember, brief, space, {"scheduler": scheduler}, heard, CHECKPOINTS
    )


def _starts(run: Run, ledger: Ledger, pbt: Pbt) -> dict[int, Start]:
    """Where each member begins or goes on; those that are done are left out."""
    recorded = run.store.recorded()
    left = {n.condition for n in run.networks if n.key not in recorded}
    starts: dict[int, Start] = {}
    for number in range(1, pbt.conditions + 1):
        entry = ledger.conditions.get(f"{MEMBER} {number}")
        if entry is None:
            starts[number] = Start(first_values(pbt, run.sweep.seed, number), [], 0)
        elif entry["state"] != DONE or entry["condition"] in left:
            starts[number] = Start(entry["values"], entry["earlier"], entry[REACHED])
    return starts


def first_values(pbt: Pbt, seed: int, number: int) -> dict[str, Any]:
    """The values that a member begins with, drawn from the sweep's seed."""
    return {
        path: _drawn(law, stream(seed, "pbt", number, path))
        for path, law in pbt.space.items()
    }


def _drawn(law: Law, draws: np.random.Generator) -> Any:
    if law.values is not None:
        return law.values[int(draws.integers(len(law.values)))]
    low, high = (float(corner) for corner in law.corners)
    if law.law == "integer":
        return int(draws.integers(int(low), int(high) + 1))
    if law.law == "log_uniform":
        return float(np.exp(draws.uniform(np.log(low), np.log(high))))
    return float(draws.uniform(low, high))


def _domain(law: Law) -> Any:
    """A law as what Ray Tune draws from; of a choice it takes a neighbour."""
    if law.values is not None:
        return list(law.values)
    low, high = (float(corner) for corner in law.corners)
    if law.law == "integer":
        return tune.randint(int(low), int(high) + 1)
    return (tune.loguniform if law.law == "log_uniform" else tune.uniform)(low, high)


class Exploration(PopulationBasedTraining):
    """Ray Tune's scheduler; explored values stay within the space's bounds."""

    def __init__(self, pbt: Pbt, workers: int, **given: Any) -> None:
        super().__init__(**given)
        self.pbt, self.workers = pbt, workers

    def _get_new_config(
        self, trial: Trial, trial_to_clone: Trial
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        config, operations = super()._get_new_config(trial, trial_to_clone)
        values = config["values"]
        values[MEMBER] = trial.config["values"][MEMBER]
        for path, law in self.pbt.space.items():
            values[path] = _within(law, values[path])
        return config, operations

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """No more members at once than there are workers; the others pause."""
        trials = tune_controller.get_trials()
        if sum(t.status == Trial.RUNNING for t in trials) >= self.workers:
            return None
        return super().choose_trial_to_run(tune_controller)


def _within(law: Law, value: Any) -> Any:
    if law.values is not None:
        return value
    low, high = law.corners
    number = int if law.law == "integer" else float
    return number(min(max(value, low), high))


class TrainMember(TrainCondition):
    """Trains the networks of one member, with the settings it has had and has."""

    def _begin(self, config: dict[str, Any]) -> None:
        self.values = dict(config["values"])
        self.number = self.values.pop(MEMBER)
        start = self.brief.members[self.number]
        self.earlier, self.reached = list(start.earlier), start.reached
        self.taken = False

    def step(self) -> dict[str, Any]:
        """Train to the next look and say how good the member is."""
        if not self.taken:
            self._take()
        about = {MEMBER: self.number, "earlier": self.earlier}
        return {**super().step(), **about, "shard": self.training.name}

    def _members(self) -> list[PlannedNetwork]:
        made = member_of(self.brief.source, self.number, self.earlier, self.values)
        return networks(LoadedSweep(self.brief.sweep, (made,)))

    def _take(self) -> None:
        members = tuple(self._members())
        self.condition = members[0].condition
        self.cap = members[0].config.train.trials
        self.training.take(members)
        self.taken = True

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Where the member is, and its networks for others to take over."""
        about = {"values": self.values, "earlier": self.earlier, REACHED: self.reached}
        write_json(Path(checkpoint_dir) / "member.json", about)
        checkpoints.save(checkpoint_dir, "networks", self.training.in_training())

    def load_checkpoint(self, checkpoint: str) -> None:
        """Go on from there; with other values than it had: take its networks over.

        A network that is not there, such as one that diverged, trains from its start.
        """
        about = json.loads((Path(checkpoint) / "member.json").read_text())
        explored, self.values = self.values, about["values"]
        self.earlier, self.reached = about["earlier"], about[REACHED]
        before = self._members()
        found = checkpoints.load(checkpoint, [n.key for n in before]).networks
        if explored != self.values:
            # with a batch a network may be beyond the look
            seen = [int(t["progress.trial_P"][0]) for t in found.values()]
            self.earlier.append([max([self.reached, *seen]), self.values])
            self.values = explored
            after = self._members()
            groups = [
                ([new.key], found[old.key])
                for old, new in zip(before, after, strict=True)
                if old.key in found
            ]
            store = self.training.store.backend
            checkpoints.save(store, shard_name(n.key for n in after), groups)
        self.taken = False


class _Heard(Losses):
    """Keeps the ledger, and passes each result on, in the launching process."""

    def __init__(self, run: Run, ledger: Ledger, report: Report) -> None:
        super().__init__(report)
        self.store, self.ledger = run.store, ledger
        self.shards: dict[int, str] = {}

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Any],
        trial: Any,
        result: dict[str, Any],
        **info: Any,
    ) -> None:
        """A member was looked at; what it trained before it took others over goes."""
        number = result[MEMBER]
        entry = self.ledger.begin(f"{MEMBER} {number}", result["values"])
        entry["number"] = number
        entry |= {k: result[k] for k in ("values", "earlier", "condition", REACHED)}
        look = {k: result[k] for k in (SCORE, "low", "high")}
        entry["reports"].append({"trials": result[REACHED], **look})
        if result["over"]:
            entry["state"] = DONE
        self.ledger.write()
        left = self.shards.get(number)
        self.shards[number] = result["shard"]
        if left is not None and left not in self.shards.values():
            checkpoints.drop(self.store.backend, left)
        self.report(result)
