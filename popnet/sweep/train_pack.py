"""The Ray Tune trainable that trains one pack with shard actors of its own.

Its crew takes shards as actors become free.  The shard of an actor that dies is begun
again, from its checkpoint, by another; nothing of a network is in Ray, everything is in
the store.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import ray
from ray import tune
from ray.exceptions import RayActorError, RayTaskError

from popnet.plan import Pack, shards
from popnet.store.store import Store
from popnet.sweep.sealed import SealedNetwork
from popnet.sweep.shard_actors import ActorSettings, ShardActors, cause
from popnet.work.shard import ShardReport

BEAT_S = 1.0
PATIENCE_S = 5.0
"""How long a step waits for a beat or for an actor to arrive."""
SHARDS_PER_CORE = 4
MOST_DEATHS = 20
"""Actors that one shard may lose before its pack is given up: it kills them all."""
Members = tuple[SealedNetwork, ...]


class TrainingSite(NamedTuple):
    """Where packs train."""

    station: ActorSettings
    workers: int
    """Actors that the cluster can keep when the launch begins."""
    limit: int | None
    """Actors that the user allows; None: as many as the cluster has room for."""
    most: int
    """Networks per shard, at most."""

    def split(self, pack: Pack[SealedNetwork]) -> list[Members]:
        """The pack's shards here."""
        per_worker = 1 if self.station.device == "cuda" else SHARDS_PER_CORE
        return shards(pack, self.workers, self.most, per_worker)

    def room(self) -> int:
        """Actors that the cluster can keep now: machines come and go."""
        if self.limit is not None:
            return self.limit
        kind = "GPU" if self.station.device == "cuda" else "CPU"
        return max(1, int(ray.cluster_resources().get(kind, 1)))


class TrainPack(tune.Trainable):
    """Trains the networks of one pack; one Tune step is about one second of work."""

    def setup(self, config: dict[str, Any], **given: Any) -> None:
        """Receive all packs and the site; ``config`` names the pack to train."""
        self.packs: dict[str, Pack[SealedNetwork]] = given["packs"]
        self.site: TrainingSite = given["site"]
        self.crew = ShardActors(self.site.station)
        self._begin(config["pack"])

    def _begin(self, name: str) -> None:
        # another attempt may have recorded part of the pack before it was lost
        recorded = Store(self.site.station.store).recorded()
        pack = self.packs[name]
        left = tuple(n for n in pack.networks if n.key not in recorded)
        self.queue = self.site.split(pack._replace(networks=left))
        self.busy: dict[Any, tuple[Any, Members]] = {}
        self.deaths = Counter[str]()

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take another pack with the same actors."""
        self._begin(new_config["pack"])
        return True

    def step(self) -> dict[str, Any]:
        """Work for a beat and say what happened."""
        self._employ()
        self.losses = 0
        beats: list[ShardReport] = []
        awaited = [*self.busy, *self.crew.arriving]
        if awaited:
            ready, _ = ray.wait(awaited, num_returns=1, timeout=PATIENCE_S)
            more, _ = ray.wait(awaited, num_returns=len(awaited), timeout=0.05)
            came = {*ready, *more}
            self.crew.answered(came & set(self.crew.arriving))
            try:
                for future in came & set(self.busy):
                    beat = self._heard(future)
                    if beat is not None:
                        beats.append(beat)
            except RayTaskError as error:  # the same would happen again
                return {**_summary(beats), "failed": cause(error), "done": True}
        over = not self.busy and not self.queue
        told, summary = self.crew.notes, _summary(beats)
        self.crew.notes = []
        summary["notes"] += told
        return {**summary, "lost": self.losses, "done": over}

    def _employ(self) -> None:
        """Give every free actor a shard; ask for actors while there is work."""
        free = self.crew.free(actor for actor, _ in self.busy.values())
        for actor in free[: len(self.queue)]:
            members = self.queue.pop(0)
            started = actor.begin.remote(BEAT_S, members)
            self.busy[started] = (actor, members)
        if self.queue:
            self.crew.ask(min(self.site.room(), len(self.busy) + len(self.queue)))
        else:
            self.crew.spare()

    def _heard(self, future: Any) -> ShardReport | None:
        actor, members = self.busy.pop(future)
        try:
            beat: ShardReport = ray.get(future)
        except RayActorError:
            self.crew.lose(actor)
            self.losses += 1
            self.queue.insert(0, members)
            self.deaths[members[0].key] += 1
            if self.deaths[members[0].key] > MOST_DEATHS:
                raise
            return None
        if not beat.done:
            more = actor.work.remote(BEAT_S, compiles=beat.must_compile)
            self.busy[more] = (actor, members)
        return beat

    def cleanup(self) -> None:
        """Let the actors save what they have, and go."""
        self.crew.let_go()

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing to save: shards checkpoint themselves into the store."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Nothing to load."""


def _summary(beats: list[ShardReport]) -> dict[str, Any]:
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
        "notes": [note for beat in beats for note in beat.notes],
        "waiting": next((b.waiting for b in beats if b.waiting), ""),
    }
