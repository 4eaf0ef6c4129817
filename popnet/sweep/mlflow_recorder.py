"""Fills MLflow while networks train, from the store, in a process of its own.

The recorder is asked nothing and told nothing that anybody waits for: it looks at the
store every few seconds, and puts each network that is recorded and tested into MLflow.
Where MLflow is away it tries again, ever more rarely.  What it leaves undone, the sync
at the end of a launch does.
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

from popnet.runs import Run
from popnet.status import Status
from popnet.store import StoreError
from popnet.work import pending

LOOK_S = 2.0
"""Seconds between two looks at the store."""
AT_ONCE = 64
"""Networks in memory at once."""
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 60.0
YIELDS = 10
"""How much less than training the recorder gets of a core (niceness)."""
RESTARTS = 5


class RecorderProgress(NamedTuple):
    """How far the recorder is."""

    written: int
    """Networks that are whole in MLflow, as far as it knows."""
    away: str
    """Why MLflow does not answer; "" where it does."""


class Filling:
    """Which networks may go to MLflow, and which are there; the body of the recorder.

    A network may go when it is trained and has all tests it is asked, or diverged:
    then its entry is the one that the sync at the end would write.
    """

    def __init__(self, run: Run, tracking_uri: str | None) -> None:
        from popnet.tracking import Filler

        self.run = run
        self.filler = Filler(run, tracking_uri)
        self.asked = pending.tests(run).asked
        self.left = set(self.asked)
        self.looked: set[str] = set()  # batches of the store
        self.waiting: set[str] = set()  # networks with news since they were looked at
        self.written = 0

    def turn(self) -> None:
        """Put into MLflow what has become whole since the last turn."""
        for batch in self.run.store.batches():
            if batch.name not in self.looked:
                self.waiting |= self.left.intersection(batch.keys)
                self.looked.add(batch.name)
        ready = self._ready(self.waiting)
        self.waiting = set(ready)  # the others come back with their next batch
        for at in range(0, len(ready), AT_ONCE):
            self._write(ready[at : at + AT_ONCE])

    def _ready(self, keys: set[str]) -> list[str]:
        """Those of these networks that nothing more is asked of, shard by shard."""
        if not keys:
            return []
        known = pending.statuses(self.run, keys)
        done = pending.tested(self.run, keys)
        whole = [
            key
            for key, status in known.items()
            if status == Status.DIVERGED
            or done.get(key, set()).issuperset(self.asked[key])
        ]
        files = self.run.store.files_of(whole)
        return sorted(whole, key=lambda key: (files.get(key, ""), key))

    def _write(self, keys: list[str]) -> None:
        from popnet.runs.tables import rows_of

        self.filler.fill(rows_of(self.run, keys))
        self.left.difference_update(keys)
        self.waiting.difference_update(keys)
        self.written += len(keys)


class Recorder:
    """The actor: keeps on filling in a thread, and says how far it is."""

    def __init__(self, folder: str, tracking_uri: str | None) -> None:
        os.nice(YIELDS)
        self.filling: Filling | None = None
        self.away = ""
        given = Path(folder), tracking_uri
        threading.Thread(target=self._go_on, args=given, daemon=True).start()

    def _go_on(self, folder: Path, tracking_uri: str | None) -> None:
        from popnet.tracking import TrackingError

        filling = self.filling = Filling(Run(folder), tracking_uri)
        wait_s = FIRST_WAIT_S
        while True:
            try:
                filling.turn()
            except TrackingError as error:
                self.away = str(error)
                time.sleep(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            except (StoreError, OSError):
                # damage is said, and mended, by the next launch; a full disk by others
                time.sleep(LONGEST_WAIT_S)
            else:
                self.away, wait_s = "", FIRST_WAIT_S
                time.sleep(LOOK_S)

    def progress(self) -> RecorderProgress:
        """How far it is, at once."""
        return RecorderProgress(self.filling.written if self.filling else 0, self.away)


class RecorderHandle:
    """The recorder as the launch sees it: never waited for, never a reason to fail."""

    def __init__(self, run: Run, tracking_uri: str | None) -> None:
        here = ray.get_runtime_context().get_node_id()
        actor: Any = ray.remote(Recorder)
        self.actor = actor.options(
            num_cpus=0,
            max_restarts=RESTARTS,
            # the embedded store lies on this machine
            scheduling_strategy=NodeAffinitySchedulingStrategy(here, soft=False),
        ).remote(str(run.folder.resolve()), tracking_uri)
        self.last = RecorderProgress(0, "")
        self.question = self.actor.progress.remote()

    def progress(self) -> RecorderProgress:
        """What the recorder last said of itself."""
        answered, _ = ray.wait([self.question], timeout=0)
        if answered:
            with suppress(RayError):  # it died; it comes back
                told: Any = ray.get(self.question)
                self.last = told
            self.question = self.actor.progress.remote()
        return self.last


@contextmanager
def recording(run: Run, tracking_uri: str | None) -> Iterator[RecorderHandle]:
    """A recorder at work, then ended at once: `sync` completes what it left."""
    recorder = RecorderHandle(run, tracking_uri)
    try:
        yield recorder
    finally:
        with suppress(RayError):
            ray.kill(recorder.actor)
