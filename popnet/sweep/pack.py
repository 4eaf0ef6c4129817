"""The Ray Tune trainable that trains one pack with shard actors of its own.

The actors live in the trial's placement group, one per core or GPU, and take shards
as they become free.  An actor that dies is replaced and its shard begun again from
its checkpoint; nothing of a network is in Ray, everything is in the store.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import ray
from ray import tune
from ray.exceptions import RayActorError

from popnet.plan import Pack, PlannedNetwork, shards
from popnet.records.store import Store
from popnet.sweep.shard import Beat, Shard

BEAT_S = 1.0
SHARDS_PER_CORE = 4
MOST_DEATHS = 20
"""Actors lost per pack before it is given up: something kills them all."""


class Site(NamedTuple):
    """Where a pack trains."""

    store: str
    device: str
    workers: int
    most: int
    """Networks per shard, at most."""
    checkpoint_s: float

    def split(self, pack: Pack) -> list[tuple[PlannedNetwork, ...]]:
        """The pack's shards here."""
        per_worker = 1 if self.device == "cuda" else SHARDS_PER_CORE
        return shards(pack, self.workers, self.most, per_worker)

    def actors(self, pack: Pack) -> int:
        """How many actors the pack can keep busy."""
        return max(1, min(self.workers, len(self.split(pack))))


class TrainPack(tune.Trainable):
    """Trains the networks of one pack; one Tune step is about one second of work."""

    def setup(self, config: dict[str, Any], **given: Any) -> None:
        """Receive all packs and the site; ``config`` names the pack to train."""
        self.packs: dict[str, Pack] = given["packs"]
        self.site: Site = given["site"]
        self.actors: list[Any] = []
        self._begin(config["pack"])

    def _begin(self, name: str) -> None:
        # another attempt may have recorded part of the pack before it was lost
        recorded = Store(self.site.store).recorded()
        pack = self.packs[name]
        left = tuple(n for n in pack.networks if n.key not in recorded)
        self.queue = self.site.split(pack._replace(networks=left))
        self.busy: dict[Any, tuple[Any, tuple[PlannedNetwork, ...]]] = {}
        self.deaths = 0

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take another pack with the same actors."""
        self._begin(new_config["pack"])
        return True

    def step(self) -> dict[str, Any]:
        """Work for a beat and say what happened."""
        self._employ()
        beats: list[Beat] = []
        if self.busy:
            ready, _ = ray.wait(list(self.busy), num_returns=1, timeout=30)
            more, _ = ray.wait(
                list(self.busy), num_returns=len(self.busy), timeout=0.05
            )
            for future in {*ready, *more}:
                beat = self._heard(future)
                if beat is not None:
                    beats.append(beat)
        return {**_summary(beats), "done": not self.busy and not self.queue}

    def _employ(self) -> None:
        """Give every free actor a shard; start actors while there is work for them."""
        working = {id(actor) for actor, _ in self.busy.values()}
        free = [a for a in self.actors if id(a) not in working]
        while self.queue and (free or len(self.actors) < self.site.workers):
            if free:
                actor = free.pop()
            else:
                actor = self._hire()
                self.actors.append(actor)
            members = self.queue.pop(0)
            started = actor.work.remote(BEAT_S, members, compiles=False)
            self.busy[started] = (actor, members)

    def _hire(self) -> Any:
        site = self.site
        hire: Any = ray.remote(num_cpus=1, num_gpus=int(site.device == "cuda"))
        return hire(Shard).remote(site.store, site.device, site.checkpoint_s)

    def _heard(self, future: Any) -> Beat | None:
        actor, members = self.busy.pop(future)
        try:
            beat: Beat = ray.get(future)
        except RayActorError:
            self.actors = [a for a in self.actors if a is not actor]
            self.queue.insert(0, members)
            self.deaths += 1
            if self.deaths > MOST_DEATHS:
                raise
            return None
        if not beat.done:
            more = actor.work.remote(BEAT_S, compiles=beat.must_compile)
            self.busy[more] = (actor, members)
        return beat

    def cleanup(self) -> None:
        """Let the actors go."""
        for actor in self.actors:
            ray.kill(actor)

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing to save: shards checkpoint themselves into the store."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Nothing to load."""


def _summary(beats: list[Beat]) -> dict[str, Any]:
    finished = Counter[str]()
    recorded: dict[str, str] = {}
    for beat in beats:
        finished.update(beat.finished)
        recorded |= beat.recorded
    return {
        "trials": sum(beat.trials for beat in beats),
        "finished": dict(finished),
        "recorded": recorded,
        "compiling": any(beat.must_compile for beat in beats),
    }
