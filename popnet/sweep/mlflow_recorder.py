"""Fills MLflow while networks train, from the store, in a process of its own.

Nobody waits for the recorder: it polls the store every few seconds and puts each
network that is recorded and tested into MLflow.  While MLflow is away it tries again,
ever more rarely.  The sync at the end of a launch completes what it leaves undone.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from popnet.config.address import Address
from popnet.runs import Run
from popnet.status import Status
from popnet.store import StoreError
from popnet.work import pending

POLL_S = 2.0
"""Seconds between two readings of the store's index."""
AT_ONCE = 64
"""Networks in memory at once."""
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 60.0
BEGIN_AFTER_S = 15.0
"""Seconds after which a launch starts its recorder, a process that takes the cores for
some seconds.  A launch that is over sooner fills MLflow when it ends."""
YIELDS = 10
"""Niceness: training goes before the recorder where cores are short."""
RESTARTS = 5


class RecorderProgress(NamedTuple):
    """Progress of the recorder."""

    written: int
    """Networks that it has put into MLflow."""
    away: str
    """Why MLflow does not answer; "" where it does."""


class MlflowBacklog:
    """The networks that MLflow still lacks; the body of the recorder.

    A network is put into MLflow when it is trained and has all the tests that are asked
    of it, or when it has diverged: then its entry is the one that the sync at the end
    would write.
    """

    def __init__(self, run: Run, tracking_uri: Address | None) -> None:
        from popnet.tracking import Filler

        self.run = run
        self.filler = Filler(run, tracking_uri)
        self.asked = pending.tests(run).asked
        self.left = set(self.asked)
        self.seen_batches: set[str] = set()
        self.changed: set[str] = set()  # networks with a new batch
        self.written = 0

    def fill(self) -> None:
        """Put the networks into MLflow that have become complete since the last call.

        Raises TrackingError when MLflow is away.
        """
        for batch in self.run.store.batches():
            if batch.name not in self.seen_batches:
                self.changed |= self.left.intersection(batch.keys)
                self.seen_batches.add(batch.name)
        ready = self._complete(self.changed)
        self.changed = set(ready)  # the others come back with their next batch
        for at in range(0, len(ready), AT_ONCE):
            self._write(ready[at : at + AT_ONCE])

    def _complete(self, keys: set[str]) -> list[str]:
        """Return the networks of which nothing more is asked, shard by shard."""
        if not keys:
            return []
        statuses = pending.statuses(self.run, keys)
        done = pending.tested(self.run, keys)
        complete = [
            key
            for key, status in statuses.items()
            if status == Status.DIVERGED
            or done.get(key, set()).issuperset(self.asked[key])
        ]
        files = self.run.store.files_of(complete)
        return sorted(complete, key=lambda key: (files.get(key, ""), key))

    def _write(self, keys: list[str]) -> None:
        from popnet.runs.tables import rows_of

        self.filler.fill(rows_of(self.run, keys))
        self.left.difference_update(keys)
        self.changed.difference_update(keys)
        self.written += len(keys)


class Recorder:
    """The actor: it fills MLflow in a thread and answers with its progress."""

    def __init__(self, folder: str, tracking_uri: Address | None) -> None:
        os.nice(YIELDS)
        self.backlog: MlflowBacklog | None = None
        self.away = ""
        run = Path(folder), tracking_uri
        threading.Thread(target=self._fill_forever, args=run, daemon=True).start()

    def _fill_forever(self, folder: Path, tracking_uri: Address | None) -> None:
        from popnet.tracking import TrackingError

        backlog = self.backlog = MlflowBacklog(Run(folder), tracking_uri)
        wait_s = FIRST_WAIT_S
        while True:
            try:
                backlog.fill()
            except TrackingError as error:
                self.away = str(error)
                time.sleep(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            except (StoreError, OSError):
                # the next launch reports damage and mends it; others report a full disk
                time.sleep(LONGEST_WAIT_S)
            else:
                self.away, wait_s = "", FIRST_WAIT_S
                time.sleep(POLL_S)

    def progress(self) -> RecorderProgress:
        """Return the progress at once, also while MLflow does not answer."""
        return RecorderProgress(self.backlog.written if self.backlog else 0, self.away)


class RecorderHandle:
    """The launch's handle of the recorder: it never blocks, and never raises.

    The recorder starts when it is first asked after ``BEGIN_AFTER_S``.
    """

    def __init__(self, run: Run, tracking_uri: Address | None) -> None:
        self.run, self.tracking_uri = run, tracking_uri
        self.begun = time.monotonic()
        self.actor: Any = None
        self.last = RecorderProgress(0, "")

    def _start(self) -> None:
        here = ray.get_runtime_context().get_node_id()
        actor: Any = ray.remote(Recorder)
        self.actor = actor.options(
            num_cpus=0,
            max_restarts=RESTARTS,
            # the embedded store lies on this machine
            scheduling_strategy=NodeAffinitySchedulingStrategy(here, soft=False),
        ).remote(str(self.run.folder.resolve()), self.tracking_uri)
        self.request = self.actor.progress.remote()

    def progress(self) -> RecorderProgress:
        """Return the progress that the recorder last answered with."""
        if self.actor is None:
            if time.monotonic() - self.begun > BEGIN_AFTER_S:
                self._start()
            return self.last
        answered, _ = ray.wait([self.request], timeout=0)
        if answered:
            with suppress(RayError):  # it died; it comes back
                answer: Any = ray.get(self.request)
                self.last = answer
            self.request = self.actor.progress.remote()
        return self.last

    def end(self) -> None:
        """End the recorder at once: ``sync`` completes what it left."""
        if self.actor is not None:
            with suppress(RayError):
                ray.kill(self.actor)


@contextmanager
def recording(run: Run, tracking_uri: Address | None) -> Iterator[RecorderHandle]:
    """Have a recorder within, and end it at once."""
    recorder = RecorderHandle(run, tracking_uri)
    try:
        yield recorder
    finally:
        recorder.end()
