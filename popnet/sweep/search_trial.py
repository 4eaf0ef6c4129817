"""The Ray Tune trainable that trains one condition of a search, look by look."""

from __future__ import annotations

from typing import Any, NamedTuple

from ray import tune

from popnet.catalogue import CATALOGUE
from popnet.config import LoadedSweep, Source, Sweep, conditions_of
from popnet.plan import networks
from popnet.sweep.sealed import Sealed
from popnet.sweep.train_pack import TrainingSite
from popnet.work.condition import ConditionInTraining

REACHED, SCORE = "reached", "score"


class Start(NamedTuple):
    """Where a member of population-based training begins or goes on."""

    values: dict[str, Any]
    earlier: list[list[Any]]
    """The values it had before, each until some trial."""
    reached: int


class SearchContext(NamedTuple):
    """What every trial of a search is told."""

    source: Source
    sweep: Sweep
    grid: tuple[dict[str, Any], ...]
    """The conditions of the grid by their values; none where a searcher chooses."""
    stops: dict[str, int]
    """Conditions that this search has stopped before, and after how many trials."""
    site: TrainingSite
    members: dict[int, Start]
    """Members of population-based training by their number."""

    def plan_of(self, config: dict[str, Any]) -> LoadedSweep:
        """The sweep with the one condition that Ray Tune's configuration names."""
        number = config.get("condition")
        values = config["values"] if number is None else self.grid[number]
        return LoadedSweep(self.sweep, conditions_of(self.source, CATALOGUE, [values]))


class TrainCondition(tune.Trainable):
    """Trains the networks of one condition; a Tune step goes to the next look.

    What was trained before is looked at again without training: a scheduler or
    searcher that begins anew hears all that the one before it heard.
    """

    def setup(self, config: dict[str, Any], **given: Any) -> None:
        """Receive what all conditions have in common; ``config`` names this one."""
        brief: Sealed[SearchContext] = given["brief"]
        self.brief = brief.opened()
        station = self.brief.site.station
        self.training = ConditionInTraining(
            station.store, station.device, station.checkpoint_s, station.mark
        )
        self._begin(config)

    def _begin(self, config: dict[str, Any]) -> None:
        plan = self.brief.plan_of(config)
        members = tuple(networks(plan))
        self.condition, self.values = members[0].condition, plan.conditions[0].values
        self.cap = members[0].config.train.trials
        self.reached = 0
        self.training.take(members)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take another condition in the same process."""
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """Train to the next look and say how good the condition is."""
        search = self.brief.sweep.search
        assert search is not None
        self.reached = min(self.reached + search.every, self.cap)
        over = self.reached == self.cap
        beat = self.training.to(self.reached)
        score = self.training.score(self.reached, search.metric)
        stop = self.brief.stops.get(self.condition)
        return {
            REACHED: self.reached,
            SCORE: score.median,
            "low": score.low,
            "high": score.high,
            "condition": self.condition,
            "values": self.values,
            "over": over,
            "done": over or (stop is not None and self.reached >= stop),
            "trials": beat.trials,
            "finished": beat.finished,
            "recorded": beat.recorded,
        }

    def save_checkpoint(self, checkpoint_dir: str) -> Any:
        """How far the looks are; the networks are in the store."""
        return {REACHED: self.reached}

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Go on from that look."""
        self.reached = checkpoint[REACHED] if checkpoint else 0
