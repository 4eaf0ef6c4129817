"""Tests and comparisons as Ray tasks, submitted as soon as networks are recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import ray
from ray.exceptions import RayTaskError

from popnet.catalogue import packages_of
from popnet.config import MetricSettings
from popnet.kernels import reproducible
from popnet.kernels.first_use import NotCompiled, compiling
from popnet.runs import Run
from popnet.sweep.same_code import OtherCode
from popnet.sweep.sealed import MissingPackage, Sealed, sealed
from popnet.sweep.shard_actors import cause
from popnet.work import comparison, evaluation, pending
from popnet.work.shard import UNWRITABLE

RETRIES = 20
"""Times that Ray runs a task again whose process or machine was lost."""
TRANSIENT = (*UNWRITABLE, MissingPackage, OtherCode)
"""Errors that may not occur later, or on another machine."""
REFUSALS, WAIT_S = 90, 10.0
"""Times that a task may raise one of these errors, and the seconds between them."""
TESTS_EACH = 4
"""Test jobs that wait before they get one more process: to start it costs as much as
some ten of them."""


_task: Any = ray.remote(num_cpus=1, max_retries=RETRIES)


@_task
def _test(compiles: bool, arguments: Sealed[Any]) -> Any:
    with compiling(allowed=compiles):
        return evaluation.test_networks(*arguments.opened())


@_task
def _prepare(compiles: bool, arguments: Sealed[Any]) -> Any:
    with reproducible(), compiling(allowed=compiles):
        return comparison.prepare_networks(*arguments.opened())


@_task
def _compare(compiles: bool, arguments: Sealed[Any]) -> Any:
    with reproducible(), compiling(allowed=compiles):
        return comparison.compare_networks(*arguments.opened())


class _Job(NamedTuple):
    """A call of a Ray task that is not done yet."""

    task: Any
    arguments: tuple[Any, ...]
    compiles: bool = False
    """True: it may compile kernels; False: it raises NotCompiled where it has to."""
    refusals: int = 0
    """Times that it raised a transient error."""
    not_before: float = 0.0
    """The earliest time to start it: a full disk is given time."""


class FollowUpTasks:
    """The tests and comparisons of one launch: those that wait and those that run."""

    def __init__(
        self,
        run: Run,
        cpus: int,
        at_once: int,
        metrics: Sequence[MetricSettings] | None = None,
    ) -> None:
        """``cpus``: what a task claims of Ray; ``at_once``: most tasks under way.

        ``metrics``: those to compare by; None means those of the sweep.
        """
        self.run, self.metrics = run, metrics
        self.store = run.store.address
        self.tests = pending.tests(run)
        self.packages = packages_of(run.plan, metrics or ())
        self.cpus, self.at_once = cpus, at_once
        self.queue: list[_Job] = []
        self.busy: dict[Any, _Job] = {}
        """Jobs that run, by their future."""
        self.tested: set[str] = set()
        """Networks whose tests are submitted, by key."""
        self.notes: dict[str, None] = {}
        """Why tasks could not be done on some machine, each once."""
        self.total = 0

    def test(self, keys: Iterable[str], statuses: dict[str, str]) -> None:
        """Submit the missing tests of these networks, once; start what may start."""
        fresh = [key for key in keys if key not in self.tested]
        self.tested.update(fresh)
        for job in pending.test_jobs(self.run, fresh, statuses, self.tests):
            self._submit(_test, (self.store, job, self.run.sweep.after))
        self._poll(timeout=0)

    def prepare(self, statuses: dict[str, str]) -> None:
        """Submit the preparation of networks for the metrics that store it."""
        self.total = 0
        networks = {n.key: n for n in self.run.networks}
        for settings, keys in pending.preparations(self.run, statuses, self.metrics):
            needed = {key: networks[key] for key in keys}
            self._submit(_prepare, (self.store, needed, settings))

    def compare(self, statuses: dict[str, str]) -> None:
        """Submit the missing comparisons of all tested networks."""
        self.total = 0
        networks = {n.key: n for n in self.run.networks}
        for settings, pairs in pending.comparisons(self.run, statuses, self.metrics):
            needed = {key: networks[key] for pair in pairs for key in pair}
            self._submit(_compare, (self.store, pairs, needed, settings))

    def wait(self, on_progress: Callable[[int, int], None]) -> None:
        """Wait for all submitted tasks.

        ``on_progress`` is called about every second with the tasks done and submitted.
        Raises RuntimeError when a task failed, after its retries.
        """
        self._poll(timeout=0)
        while self.busy or self.queue:
            if not self.busy:
                time.sleep(1.0)  # for room on the disk
            on_progress(self.total - len(self.queue) - len(self.busy), self.total)
            self._poll(timeout=1.0)

    @property
    def compiling(self) -> bool:
        """True while a running task has to compile a kernel, or waits for one."""
        return any(job.compiles for job in self.busy.values())

    def _submit(self, task: Any, arguments: tuple[Any, ...]) -> None:
        self.queue.append(_Job(task, arguments))
        self.total += 1

    def _poll(self, timeout: float) -> None:
        """Collect what is done and start what may start; raises as ``wait`` does."""
        if self.busy:
            ready, _ = ray.wait(list(self.busy), num_returns=1, timeout=timeout)
            for future in ready:
                self._collect(future)
        self.queue.sort(key=lambda job: job.not_before)
        self._start()

    def _collect(self, future: Any) -> None:
        """Take a finished job off; one that may go well later is queued again."""
        job = self.busy.pop(future)
        try:
            ray.get(future)
        except NotCompiled:
            self.queue.insert(0, job._replace(compiles=True))
        except RayTaskError as error:
            if isinstance(error, (MissingPackage, OtherCode)):
                self.notes[cause(error)] = None
            if not isinstance(error, TRANSIENT) or job.refusals >= REFUSALS:
                raise RuntimeError(
                    f"a test or comparison failed: {cause(error)}"
                ) from error
            later = time.monotonic() + WAIT_S
            again = job._replace(refusals=job.refusals + 1, not_before=later)
            self.queue.append(again)

    def _start(self) -> None:
        """Start queued jobs while there is room."""
        now = time.monotonic()
        while self._startable(now):
            few = len(self.queue) < TESTS_EACH * len(self.busy)
            if few and self.queue[0].task is _test:
                break
            job = self.queue.pop(0)
            # what one machine refused goes to the next
            where = "SPREAD" if job.refusals else "DEFAULT"
            task = job.task.options(num_cpus=self.cpus, scheduling_strategy=where)
            arguments = sealed(job.arguments, self.packages)
            self.busy[task.remote(job.compiles, arguments)] = job

    def _startable(self, now: float) -> bool:
        room = len(self.busy) < self.at_once
        return room and bool(self.queue) and self.queue[0].not_before <= now
