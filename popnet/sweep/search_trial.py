"""The Ray Tune trainable that trains one condition of a search, score by score."""

from __future__ import annotations

from typing import Any, NamedTuple

from ray import tune

from popnet.catalogue import CATALOGUE
from popnet.config import LoadedSweep, Source, Sweep, conditions_of
from popnet.plan import networks
from popnet.sweep.sealed import Sealed
from popnet.sweep.train_pack import PackSettings
from popnet.work.condition import ConditionInTraining

REACHED, SCORE = "reached", "score"


class Start(NamedTuple):
    """The state from which a member of population-based training begins or goes on."""

    values: dict[str, Any]
    earlier: list[list[Any]]
    """Pairs of a trial and the values that the member had until then."""
    reached: int
    """Trials after which it was scored last."""


class SearchContext(NamedTuple):
    """The settings that all trials of a search have in common."""

    source: Source
    sweep: Sweep
    grid: tuple[dict[str, Any], ...]
    """The conditions of the grid by their values; none where a searcher chooses."""
    stops: dict[str, int]
    """Conditions that this search has stopped before: the trials after which."""
    settings: PackSettings
    members: dict[int, Start]
    """Members of population-based training by their number."""

    def plan_of(self, config: dict[str, Any]) -> LoadedSweep:
        """Return the sweep with the one condition that ``config`` names."""
        number = config.get("condition")
        values = config["values"] if number is None else self.grid[number]
        return LoadedSweep(self.sweep, conditions_of(self.source, CATALOGUE, [values]))


class TrainCondition(tune.Trainable):
    """Trains the networks of one condition; a Tune step goes to the next score.

    Networks that were trained before are scored again without training: a scheduler or
    searcher that begins anew gets all scores that the one before it got.
    """

    def setup(self, config: dict[str, Any], **common: Any) -> None:
        """Receive what all conditions have in common; ``config`` names this one."""
        context: Sealed[SearchContext] = common["context"]
        self.context = context.opened()
        actor = self.context.settings.actor
        self.training = ConditionInTraining(
            actor.store, actor.device, actor.checkpoint_s, actor.mark
        )
        self._begin(config)

    def _begin(self, config: dict[str, Any]) -> None:
        plan = self.context.plan_of(config)
        members = tuple(networks(plan))
        self.condition, self.values = members[0].condition, plan.conditions[0].values
        self.cap = members[0].config.train.trials
        self.reached = 0
        self.training.take(members)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Train another condition in the same process."""
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train until the next score is due; returns the condition's score."""
        search = self.context.sweep.search
        assert search is not None
        self.reached = min(self.reached + search.every, self.cap)
        over = self.reached == self.cap
        report = self.training.to(self.reached)
        score = self.training.score(self.reached, search.metric)
        stop = self.context.stops.get(self.condition)
        return {
            REACHED: self.reached,
            SCORE: score.median,
            "low": score.low,
            "high": score.high,
            "condition": self.condition,
            "values": self.values,
            "over": over,
            "done": over or (stop is not None and self.reached >= stop),
            "trials": report.trials,
            "finished": report.finished,
            "recorded": report.recorded,
        }

    def save_checkpoint(self, checkpoint_dir: str) -> Any:
        """Save how far the condition is scored; the networks are in the store."""
        return {REACHED: self.reached}

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Go on after that score."""
        self.reached = checkpoint[REACHED] if checkpoint else 0
