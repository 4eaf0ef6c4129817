"""The shard actors of one pack: as many as the cluster has room for, at any moment.

The first actor is in the placement group of the pack's trial, so that a pack that
begins can work; the others come as there is room.  So a machine that is lost, or that
comes later, changes how fast a pack trains and nothing else.  (Groups for the others
too would outlive a pack that dies: Ray removes a group when the whole launch ends.)  An
actor gets a shard once it has answered, not while it waits for room.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple

import ray
from ray.exceptions import RayActorError

from popnet.sweep.same_code import Code, need_same
from popnet.sweep.sealed import Packages, SealedNetwork, need, opened_networks
from popnet.work.shard_report import ShardReport

IDLE_S = 3.0
"""After so long without work an actor gives its core or GPU to other packs."""
GRACE_S = 10.0
"""Seconds that a stopped actor may take to save its networks."""

UNFIT = ("StoreError", "MissingPackage", "OtherCode")
"""Errors that an actor raises on a machine where it cannot work."""


class ActorSettings(NamedTuple):
    """Settings of every shard actor of a launch."""

    store: str
    device: str
    checkpoint_s: float
    mark: str = ""
    """The mark that an actor must find in the store: see ``store.shared_mark``."""
    packages: Packages = ()
    """Other people's packages that an actor must have."""
    code: Code | None = None
    """The code that an actor must run; None: whichever it has."""

    @property
    def bundle(self) -> dict[str, float]:
        """The CPUs and GPUs that one actor claims of Ray."""
        gpu = {"GPU": 1.0} if self.device == "cuda" else {}
        return {"CPU": 1.0, **gpu}


class ShardActor:
    """A shard as an actor, on a machine that has what its networks need."""

    def __init__(self, settings: ActorSettings) -> None:
        """Raise OtherCode, MissingPackage or StoreError where it cannot work."""
        if settings.code is not None:
            need_same(settings.code)
        need(settings.packages)
        # here, since the process of the pack, which asks for actors, needs no torch
        from popnet.work.shard import Shard

        self._shard = Shard(
            settings.store, settings.device, settings.checkpoint_s, settings.mark
        )

    def begin(self, seconds: float, members: tuple[SealedNetwork, ...]) -> ShardReport:
        """Take up networks and ``work``; no kernel is compiled yet."""
        return self._shard.work(seconds, opened_networks(members), compiles=False)

    def work(self, seconds: float, compiles: bool) -> ShardReport:
        """Train for about so many seconds; it compiles kernels where it may."""
        return self._shard.work(seconds, compiles=compiles)

    def leave(self) -> None:
        """Save the networks."""
        self._shard.leave()


class StartedActor(NamedTuple):
    """An actor that Ray was asked to start."""

    handle: Any
    first: bool
    """True for the actor in the placement group of the trial."""


class ShardActors:
    """The actors of one pack."""

    def __init__(self, settings: ActorSettings) -> None:
        self.settings = settings
        self.ready: list[StartedActor] = []
        """Actors that have answered."""
        self.starting: dict[Any, StartedActor] = {}
        """Actors that have not, by the future of their answer."""
        self.notes: list[str] = []
        """Why actors could not begin."""
        self.refusals = 0
        """Actors that ran other code than the launch, since one answered."""
        self.idle_since: dict[Any, float] = {}
        """The time since which an actor has had no work, by its handle."""

    def __len__(self) -> int:
        return len(self.ready) + len(self.starting)

    def request(self, number: int) -> None:
        """Start actors until there are ``number``, ready or starting."""
        while len(self) < number:
            everyone = [*self.ready, *self.starting.values()]
            started = self._start(first=not any(actor.first for actor in everyone))
            self.starting[started.handle.__ray_ready__.remote()] = started

    def _start(self, first: bool) -> StartedActor:
        options: dict[str, Any] = {"num_cpus": 1}
        if self.settings.device == "cuda":
            options["num_gpus"] = 1
        if not first:
            options["scheduling_strategy"] = "SPREAD"
        remote: Any = ray.remote(**options)
        return StartedActor(remote(ShardActor).remote(self.settings), first)

    def collect(self, futures: Iterable[Any]) -> None:
        """Note as ready the actors that have answered; release those that failed."""
        for future in futures:
            actor = self.starting.pop(future)
            try:
                ray.get(future)
            except RayActorError as error:
                self._release(actor)
                self.refusals += "OtherCode" in str(error)
                if any(name in str(error) for name in UNFIT):
                    self.notes.append(cause(error))
                    time.sleep(1.0)  # it is requested again, there or elsewhere
                continue
            self.ready.append(actor)
            self.refusals = 0

    def free(self, busy: Iterable[Any]) -> list[Any]:
        """Return the handles of ready actors that are not ``busy``."""
        working = {id(handle) for handle in busy}
        free = [a.handle for a in self.ready if id(a.handle) not in working]
        now = time.monotonic()
        self.idle_since = {handle: self.idle_since.get(handle, now) for handle in free}
        return free

    def remove(self, handle: Any) -> None:
        """Release an actor that is dead or cannot be reached."""
        for actor in self.ready:
            if actor.handle is handle:
                self.ready.remove(actor)
                self._release(actor)
                return

    def release_idle(self) -> None:
        """Release actors without work, and those that start; the trial's own stays."""
        for future in [f for f, actor in self.starting.items() if not actor.first]:
            self._release(self.starting.pop(future))
        since = time.monotonic() - IDLE_S
        for actor in [a for a in self.ready if not a.first]:
            if self.idle_since.get(actor.handle, since) < since:
                self.ready.remove(actor)
                self._release(actor)

    def stop(self) -> None:
        """End all actors, each after it has saved its networks."""
        saved = [actor.handle.leave.remote() for actor in self.ready]
        if saved:
            ray.wait(saved, num_returns=len(saved), timeout=GRACE_S)
        for actor in [*self.ready, *self.starting.values()]:
            self._release(actor)
        self.ready, self.starting = [], {}

    @staticmethod
    def _release(actor: StartedActor) -> None:
        with suppress(Exception):  # it may be gone, and its machine too
            ray.kill(actor.handle)


def cause(error: BaseException) -> str:
    """Return the last line of what a worker raised; the lines before it are Ray's."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    last = lines[-1] if lines else type(error).__name__
    return re.sub(r".*(MissingPackage|OtherCode): ", "", last)
