"""Tests and comparisons as Ray tasks, submitted as soon as networks are recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import ray
from ray.exceptions import RayTaskError

from popnet.catalogue import packages_of
from popnet.kernels import reproducible
from popnet.kernels.first_use import NotCompiled, compiling
from popnet.runs import Run
from popnet.sweep.sealed import MissingPackage, Sealed, sealed
from popnet.sweep.shard_actors import cause
from popnet.work import comparison, evaluation, pending
from popnet.work.shard import UNWRITABLE

RETRIES = 20
"""Times that a task may be lost with its process or machine."""
TRANSIENT = (*UNWRITABLE, MissingPackage)
"""What may go well later, or on another machine."""
REFUSALS, WAIT_S = 90, 10.0
"""Times that the disk may not take what a task found, or that it comes to a machine
that lacks a package, and the seconds between them."""
TESTS_EACH = 4
"""Test jobs that wait before they get one more process: to start it costs as much as
some ten of them."""


_task: Any = ray.remote(num_cpus=1, max_retries=RETRIES)


@_task
def _test(compiles: bool, given: Sealed[Any]) -> Any:
    with compiling(allowed=compiles):
        return evaluation.test_networks(*given.opened())


@_task
def _prepare(compiles: bool, given: Sealed[Any]) -> Any:
    with reproducible(), compiling(allowed=compiles):
        return comparison.prepare_networks(*given.opened())


@_task
def _compare(compiles: bool, given: Sealed[Any]) -> Any:
    with reproducible(), compiling(allowed=compiles):
        return comparison.compare_networks(*given.opened())


class _Asked(NamedTuple):
    """A task to be done."""

    task: Any
    given: tuple[Any, ...]
    compiles: bool = False
    """Whether it may compile kernels; else it is given back if it would have to."""
    refused: int = 0
    """How often it could not be done: see REFUSALS."""
    since: float = 0.0
    """When it may begin: a disk that is full is given time."""


class Afterwards:
    """The tasks of one launch: what has been asked for and what is done."""

    def __init__(self, run: Run, cpus: int, at_once: int) -> None:
        """``cpus``: what a task claims of Ray; ``at_once``: most tasks under way."""
        self.run = run
        self.folder = run.store.address
        self.state = pending.tests(run)
        self.packages = packages_of(run.plan)
        self.cpus, self.at_once = cpus, at_once
        self.queue: list[_Asked] = []
        self.busy: dict[Any, _Asked] = {}
        self.asked: set[str] = set()
        self.notes: dict[str, None] = {}
        """Why tasks could not be done on some machine, each once."""
        self.total = 0

    def test(self, among: Iterable[str], known: dict[str, str]) -> None:
        """Ask for the missing tests of these networks, once; start what may start."""
        fresh = [key for key in among if key not in self.asked]
        self.asked.update(fresh)
        for job in pending.test_jobs(self.run, fresh, known, self.state):
            self._add(_test, (self.folder, job, self.run.sweep.after))
        self._turn(timeout=0)

    def prepare(self, known: dict[str, str]) -> None:
        """Ask for what comparisons need of single networks and is made once of each."""
        self.total = 0
        configs = {n.key: n.config for n in self.run.networks}
        for settings, keys in pending.preparations(self.run, known):
            some = {key: configs[key] for key in keys}
            self._add(_prepare, (self.folder, some, settings))

    def compare(self, known: dict[str, str]) -> None:
        """Ask for the missing comparisons of all tested networks."""
        self.total = 0
        configs = {n.key: n.config for n in self.run.networks}
        for settings, pairs in pending.comparisons(self.run, known):
            some = {key: configs[key] for pair in pairs for key in pair}
            self._add(_compare, (self.folder, pairs, some, settings))

    def _add(self, task: Any, given: tuple[Any, ...]) -> None:
        self.queue.append(_Asked(task, given))
        self.total += 1

    def _turn(self, timeout: float) -> None:
        """Take in what is done and start what may start.  Raises what a task raised."""
        if self.busy:
            ready, _ = ray.wait(list(self.busy), num_returns=1, timeout=timeout)
            for future in ready:
                asked = self.busy.pop(future)
                try:
                    ray.get(future)
                except NotCompiled:
                    self.queue.insert(0, asked._replace(compiles=True))
                except RayTaskError as error:
                    if isinstance(error, MissingPackage):
                        self.notes[cause(error)] = None
                    if isinstance(error, TRANSIENT) and asked.refused < REFUSALS:
                        later = time.monotonic() + WAIT_S
                        again = asked._replace(refused=asked.refused + 1, since=later)
                        self.queue.append(again)
                        continue
                    raise RuntimeError(
                        f"a test or comparison failed: {cause(error)}"
                    ) from error
        self.queue.sort(key=lambda asked: asked.since)
        now = time.monotonic()
        while self._startable(now):
            few = len(self.queue) < TESTS_EACH * len(self.busy)
            if few and self.queue[0].task is _test:
                break
            asked = self.queue.pop(0)
            task = asked.task.options(num_cpus=self.cpus)
            given = sealed(asked.given, self.packages)
            self.busy[task.remote(asked.compiles, given)] = asked

    def _startable(self, now: float) -> bool:
        room = len(self.busy) < self.at_once
        return room and bool(self.queue) and self.queue[0].since <= now

    @property
    def compiling(self) -> bool:
        """Whether a task under way has to compile a kernel, or waits for one."""
        return any(asked.compiles for asked in self.busy.values())

    def wait(self, say: Callable[[int, int], None]) -> None:
        """Wait for what was asked for.  Raises what a task raised after its retries."""
        self._turn(timeout=0)
        while self.busy or self.queue:
            if not self.busy:
                time.sleep(1.0)  # for room on the disk
            say(self.total - len(self.queue) - len(self.busy), self.total)
            self._turn(timeout=1.0)
