"""The shard actors of one pack: as many as the cluster has room for, at any moment.

The first stands in the placement group of the pack's trial, so that a pack that begins
can work; the others come as there is room.  So a machine that is lost, or that comes
later, changes how fast a pack trains and nothing else.  (Groups for the others too
would outlive a pack that dies: Ray removes a group when the whole launch ends.)  An
actor counts as hired when it has answered: one that waits for room holds no shard.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple

import ray
from ray.exceptions import RayActorError

from popnet.sweep.sealed import Packages, SealedNetwork, need, opened_networks
from popnet.work.shard import Shard, ShardReport

IDLE_S = 3.0
"""After so long without work an actor gives its core or GPU to other packs."""
GRACE_S = 10.0
"""What an actor that is let go may take to save its networks."""

UNFIT = ("StoreError", "MissingPackage")
"""What an actor raises on a machine where it cannot work."""


class ActorSettings(NamedTuple):
    """Where actors run and what they are told."""

    store: str
    device: str
    checkpoint_s: float
    mark: str = ""
    """What an actor must find in the store: see ``store.shared_mark``."""
    packages: Packages = ()
    """Other people's packages that an actor must have."""

    @property
    def bundle(self) -> dict[str, float]:
        """What one actor claims of Ray."""
        gpu = {"GPU": 1.0} if self.device == "cuda" else {}
        return {"CPU": 1.0, **gpu}


class ShardActor(Shard):
    """A shard as an actor, on a machine that has what its networks need."""

    def __init__(self, station: ActorSettings) -> None:
        """Raise MissingPackage or StoreError where it cannot work."""
        need(station.packages)
        super().__init__(
            station.store, station.device, station.checkpoint_s, station.mark
        )

    def begin(self, seconds: float, members: tuple[SealedNetwork, ...]) -> ShardReport:
        """Take up networks and ``work``; no kernel is compiled yet."""
        return self.work(seconds, opened_networks(members), compiles=False)


class HiredActor(NamedTuple):
    """An actor."""

    actor: Any
    first: bool
    """Whether it stands in the placement group of the trial."""


class ShardActors:
    """The actors of one pack."""

    def __init__(self, station: ActorSettings) -> None:
        self.station = station
        self.hired: list[HiredActor] = []
        self.arriving: dict[Any, HiredActor] = {}
        """Asked for, by the answer that is awaited."""
        self.notes: list[str] = []
        """Why actors could not begin."""
        self.idle: dict[Any, float] = {}
        """Since when an actor has had no work."""

    def __len__(self) -> int:
        return len(self.hired) + len(self.arriving)

    def ask(self, number: int) -> None:
        """Ask for actors until there are so many, hired or on the way."""
        while len(self) < number:
            everyone = [*self.hired, *self.arriving.values()]
            hand = self._hire(first=not any(hand.first for hand in everyone))
            self.arriving[hand.actor.__ray_ready__.remote()] = hand

    def _hire(self, first: bool) -> HiredActor:
        options: dict[str, Any] = {"num_cpus": 1}
        if self.station.device == "cuda":
            options["num_gpus"] = 1
        if not first:
            options["scheduling_strategy"] = "SPREAD"
        hire: Any = ray.remote(**options)
        return HiredActor(hire(ShardActor).remote(self.station), first)

    def answered(self, futures: Iterable[Any]) -> None:
        """Take in actors that have answered, or could not."""
        for future in futures:
            hand = self.arriving.pop(future)
            try:
                ray.get(future)
            except RayActorError as error:
                self._release(hand)
                if any(name in str(error) for name in UNFIT):
                    self.notes.append(cause(error))
                    time.sleep(1.0)  # it is asked again, there or elsewhere
                continue
            self.hired.append(hand)

    def free(self, busy: Iterable[Any]) -> list[Any]:
        """Actors without work; ``busy`` are those that have some."""
        working = {id(actor) for actor in busy}
        free = [h.actor for h in self.hired if id(h.actor) not in working]
        now = time.monotonic()
        self.idle = {actor: self.idle.get(actor, now) for actor in free}
        return free

    def lose(self, actor: Any) -> None:
        """An actor is dead or cannot be reached."""
        for hand in self.hired:
            if hand.actor is actor:
                self.hired.remove(hand)
                self._release(hand)
                return

    def spare(self) -> None:
        """Let go whom no work waits for; the trial's own actor stays."""
        for future in [f for f, hand in self.arriving.items() if not hand.first]:
            self._release(self.arriving.pop(future))
        since = time.monotonic() - IDLE_S
        for hand in [h for h in self.hired if not h.first]:
            if self.idle.get(hand.actor, since) < since:
                self.hired.remove(hand)
                self._release(hand)

    def let_go(self) -> None:
        """End all actors, each after it has saved its networks."""
        saved = [hand.actor.leave.remote() for hand in self.hired]
        if saved:
            ray.wait(saved, num_returns=len(saved), timeout=GRACE_S)
        for hand in [*self.hired, *self.arriving.values()]:
            self._release(hand)
        self.hired, self.arriving = [], {}

    @staticmethod
    def _release(hand: HiredActor) -> None:
        with suppress(Exception):  # it may be gone, and its machine too
            ray.kill(hand.actor)


def cause(error: BaseException) -> str:
    """The last line of what a worker raised; the lines before it are Ray's."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    last = lines[-1] if lines else type(error).__name__
    return last.partition("MissingPackage: ")[2] or last
