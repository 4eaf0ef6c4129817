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
from popnet.sweep.train_pack import PackSettings
from popnet.sweep.tune_packs import LossCallback, OnResult
from popnet.work.shard import shard_name

MEMBER = "member"
CHECKPOINTS = 4
"""Checkpoints of each member that Ray Tune keeps, for others to take over."""


class TuneSetup(NamedTuple):
    """The settings in which one kind of search differs from another for Ray Tune."""

    trainable: type[TrainCondition]
    context: SearchContext
    space: dict[str, Any]
    options: dict[str, Any]
    """Arguments of TuneConfig."""
    callback: LossCallback
    checkpoints: int
    """Checkpoints that are kept of each trial."""


def population_based(
    run: Run, source: Source, settings: PackSettings, on_result: OnResult, pbt: Pbt
) -> TuneSetup:
    """Return the setup of members as the ledger has them, with a new scheduler."""
    asked, ledger = run.sweep.search, run.ledger
    assert asked is not None and ledger is not None
    starts = _starts(run, ledger, pbt)
    scheduler = Exploration(
        pbt,
        settings.workers,
        time_attr=REACHED,
        perturbation_interval=asked.every,
        burn_in_period=asked.grace,
        hyperparam_mutations={
            "values": {p: _domain(law) for p, law in pbt.space.items()}
        },
        quantile_fraction=pbt.quantile,
        resample_probability=pbt.resample,
        perturbation_factors=pbt.perturb,
        log_config=False,
    )
    context = SearchContext(source, run.sweep, (), {}, settings, starts)
    begun = [{MEMBER: number, **start.values} for number, start in starts.items()]
    space = {"values": tune.grid_search(begun)}
    callback = MemberLedgerCallback(run, ledger, on_result)
    return TuneSetup(
        TrainMember, context, space, {"scheduler": scheduler}, callback, CHECKPOINTS
    )


def _starts(run: Run, ledger: Ledger, pbt: Pbt) -> dict[int, Start]:
    """Return the start of each member, by number; those that are done are left out."""
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
    """Draw the values that a member begins with, from the sweep's seed."""
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
    """Return a law as Ray Tune's domain; in a list it steps to a neighbouring value."""
    if law.values is not None:
        return list(law.values)
    low, high = (float(corner) for corner in law.corners)
    if law.law == "integer":
        return tune.randint(int(low), int(high) + 1)
    return (tune.loguniform if law.law == "log_uniform" else tune.uniform)(low, high)


class Exploration(PopulationBasedTraining):
    """Ray Tune's scheduler; explored values stay within the space's bounds."""

    def __init__(self, pbt: Pbt, workers: int, **options: Any) -> None:
        super().__init__(**options)
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
        """Return the next trial; None while there are as many as workers."""
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
        start = self.context.members[self.number]
        self.earlier, self.reached = list(start.earlier), start.reached
        self.loaded = False

    def step(self) -> dict[str, Any]:
        """Train until the next score is due; returns the member's score."""
        if not self.loaded:
            self._load_networks()
        about = {MEMBER: self.number, "earlier": self.earlier}
        return {**super().step(), **about, "shard": self.training.name}

    def _members(self) -> list[PlannedNetwork]:
        context = self.context
        member = member_of(context.source, self.number, self.earlier, self.values)
        return networks(LoadedSweep(context.sweep, (member,)))

    def _load_networks(self) -> None:
        members = tuple(self._members())
        self.condition = members[0].condition
        self.cap = members[0].config.train.trials
        self.training.take(members)
        self.loaded = True

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Save the member's state, and its networks for others to take over."""
        about = {"values": self.values, "earlier": self.earlier, REACHED: self.reached}
        write_json(Path(checkpoint_dir) / "member.json", about)
        checkpoints.save(checkpoint_dir, "networks", self.training.in_training())

    def load_checkpoint(self, checkpoint: str) -> None:
        """Go on from a checkpoint of this member, or take over another's networks.

        Networks are taken over when the values differ from those of the checkpoint.  A
        network that is not in it, such as one that diverged, trains from its start.
        """
        about = json.loads((Path(checkpoint) / "member.json").read_text())
        explored, self.values = self.values, about["values"]
        self.earlier, self.reached = about["earlier"], about[REACHED]
        before = self._members()
        found = checkpoints.load(checkpoint, [n.key for n in before]).networks
        if explored != self.values:
            # with a batch a network may be beyond the trial of the score
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
        self.loaded = False


class MemberLedgerCallback(LossCallback):
    """Writes the scores of members into the ledger and passes each result on."""

    def __init__(self, run: Run, ledger: Ledger, on_result: OnResult) -> None:
        super().__init__(on_result)
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
        """Record a member's score; drop checkpoints that nobody trains on from."""
        number = result[MEMBER]
        entry = self.ledger.begin(f"{MEMBER} {number}", result["values"])
        entry["number"] = number
        entry |= {k: result[k] for k in ("values", "earlier", "condition", REACHED)}
        score = {k: result[k] for k in (SCORE, "low", "high")}
        entry["reports"].append({"trials": result[REACHED], **score})
        if result["over"]:
            entry["state"] = DONE
        self.ledger.write()
        before = self.shards.get(number)
        self.shards[number] = result["shard"]
        if before is not None and before not in self.shards.values():
            checkpoints.drop(self.store.backend, before)
        self.on_result(result)
