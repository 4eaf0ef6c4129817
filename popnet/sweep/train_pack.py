"""The Ray Tune trainable that trains one pack with shard actors of its own.

Its actors take shards as they become free.  When an actor dies, another one continues
its shard from the last checkpoint; nothing of a network is in Ray, everything is in the
store.
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
from popnet.work.shard_report import ShardReport

REPORT_EVERY_S = 1.0
"""Seconds that an actor trains between two reports."""
PATIENCE_S = 5.0
"""Seconds that a step waits for a report or for an actor to arrive."""
SHARDS_PER_CORE = 4
MOST_DEATHS = 20
"""Actors that one shard may lose before its pack is given up: it kills them all."""
MOST_REFUSALS = 10
"""Actors in a row that may run other code, as when popnet is edited meanwhile."""
Members = tuple[SealedNetwork, ...]


class PackSettings(NamedTuple):
    """Settings by which every pack of a launch is trained."""

    actor: ActorSettings
    workers: int
    """Actors that the cluster can keep when the launch begins."""
    max_workers: int | None
    """Actors that the user allows; None: as many as the cluster has room for."""
    max_networks: int
    """Networks per shard, at most."""

    def split(self, pack: Pack[SealedNetwork]) -> list[Members]:
        """Split a pack into shards."""
        per_worker = 1 if self.actor.device == "cuda" else SHARDS_PER_CORE
        return shards(pack, self.workers, self.max_networks, per_worker)

    def room(self) -> int:
        """Return how many actors the cluster can keep now: machines come and go."""
        if self.max_workers is not None:
            return self.max_workers
        kind = "GPU" if self.actor.device == "cuda" else "CPU"
        return max(1, int(ray.cluster_resources().get(kind, 1)))


class TrainPack(tune.Trainable):
    """Trains the networks of one pack; one Tune step is about one second of work."""

    def setup(self, config: dict[str, Any], **common: Any) -> None:
        """Receive all packs and the settings; ``config`` names the pack to train."""
        self.packs: dict[str, Pack[SealedNetwork]] = common["packs"]
        self.settings: PackSettings = common["settings"]
        self.actors = ShardActors(self.settings.actor)
        self._begin(config["pack"])

    def _begin(self, name: str) -> None:
        # another attempt may have recorded part of the pack before it was lost
        recorded = Store(self.settings.actor.store).recorded()
        pack = self.packs[name]
        left = tuple(n for n in pack.networks if n.key not in recorded)
        self.queue = self.settings.split(pack._replace(networks=left))
        self.busy: dict[Any, tuple[Any, Members]] = {}
        """An actor's handle and its shard, by the future of its report."""
        self.deaths = Counter[str]()

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Train another pack with the same actors."""
        self._begin(new_config["pack"])
        return True

    def step(self) -> dict[str, Any]:
        """Wait for reports of the actors; returns their sum."""
        self._assign()
        self.losses = 0
        reports: list[ShardReport] = []
        awaited = [*self.busy, *self.actors.starting]
        if awaited:
            ready, _ = ray.wait(awaited, num_returns=1, timeout=PATIENCE_S)
            more, _ = ray.wait(awaited, num_returns=len(awaited), timeout=0.05)
            done = {*ready, *more}
            self.actors.collect(done & set(self.actors.starting))
            try:
                for future in done & set(self.busy):
                    report = self._collect(future)
                    if report is not None:
                        reports.append(report)
            except RayTaskError as error:  # the same would happen again
                return {**_summary(reports), "failed": cause(error), "done": True}
        if self.actors.refusals >= MOST_REFUSALS and not self.actors.ready:
            why = f"{self.actors.notes[-1]}; the same command again continues"
            return {**_summary(reports), "failed": why, "done": True}
        over = not self.busy and not self.queue
        notes, summary = self.actors.notes, _summary(reports)
        self.actors.notes = []
        summary["notes"] += notes
        return {**summary, "lost": self.losses, "done": over}

    def _assign(self) -> None:
        """Give every free actor a shard; request actors while there is work."""
        free = self.actors.free(actor for actor, _ in self.busy.values())
        for actor in free[: len(self.queue)]:
            members = self.queue.pop(0)
            started = actor.begin.remote(REPORT_EVERY_S, members)
            self.busy[started] = (actor, members)
        if self.queue:
            wanted = len(self.busy) + len(self.queue)
            self.actors.request(min(self.settings.room(), wanted))
        else:
            self.actors.release_idle()

    def _collect(self, future: Any) -> ShardReport | None:
        """Return an actor's report and let it go on; None when the actor has died.

        Raises RayActorError when too many actors have died of this shard.
        """
        actor, members = self.busy.pop(future)
        try:
            report: ShardReport = ray.get(future)
        except RayActorError:
            self.actors.remove(actor)
            self.losses += 1
            self.queue.insert(0, members)
            self.deaths[members[0].key] += 1
            if self.deaths[members[0].key] > MOST_DEATHS:
                raise
            return None
        if not report.done:
            more = actor.work.remote(REPORT_EVERY_S, compiles=report.must_compile)
            self.busy[more] = (actor, members)
        return report

    def cleanup(self) -> None:
        """End the actors, each after it has saved its networks."""
        self.actors.stop()

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Save nothing: shards checkpoint themselves into the store."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Load nothing."""


def _summary(reports: list[ShardReport]) -> dict[str, Any]:
    """Return the sum of reports as a result of Ray Tune."""
    finished = Counter[str]()
    recorded: dict[str, str] = {}
    for report in reports:
        finished.update(report.finished)
        recorded |= report.recorded
    return {
        "trials": sum(report.trials for report in reports),
        "finished": dict(finished),
        "recorded": recorded,
        "compiling": any(report.must_compile for report in reports),
        "notes": [note for report in reports for note in report.notes],
        "waiting": next((r.waiting for r in reports if r.waiting), ""),
    }
