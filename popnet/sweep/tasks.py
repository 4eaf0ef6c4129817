"""Tests and comparisons as Ray tasks, submitted as soon as networks are recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import ray

from popnet.kernels import reproducible
from popnet.records import Run
from popnet.sweep import afterwards, pending

RETRIES = 3


_task: Any = ray.remote(num_cpus=1, max_retries=RETRIES)


@_task
def _test(*args: Any) -> Any:
    return afterwards.test_networks(*args)


@_task
def _compare(*args: Any) -> Any:
    with reproducible():
        return afterwards.compare_networks(*args)


class Afterwards:
    """The tasks of one launch: what has been asked for and what is done."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.folder = str(run.store.folder.resolve())
        self.waiting: list[Any] = []
        self.asked: set[str] = set()

    def test(self, among: Iterable[str], known: dict[str, str]) -> None:
        """Submit the missing tests of these networks, once."""
        fresh = [key for key in among if key not in self.asked]
        self.asked.update(fresh)
        for job in pending.test_jobs(self.run, fresh, known):
            task = _test.remote(self.folder, job, self.run.sweep.after)
            self.waiting.append(task)

    def compare(self, known: dict[str, str]) -> None:
        """Submit the missing comparisons of all tested networks."""
        configs = {n.key: n.config for n in self.run.networks}
        for settings, pairs in pending.comparisons(self.run, known):
            some = {key: configs[key] for pair in pairs for key in pair}
            self.waiting.append(_compare.remote(self.folder, pairs, some, settings))

    def wait(self, say: Callable[[int, int], None]) -> None:
        """Wait for what was submitted.  Raises what a task raised after its retries."""
        total, left = len(self.waiting), self.waiting
        self.waiting = []
        while left:
            say(total - len(left), total)
            ready, left = ray.wait(left, num_returns=1, timeout=1.0)
            ray.get(ready)
