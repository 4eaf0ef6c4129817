"""Two workers side by side: wall time, against two plain matrix products.

    gain = speed of both together / mean speed of each alone

2 would be perfect.  What the machine itself gives two processes is measured in the
same rounds; the ratio in the table is popnet's gain over that gain.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from case import Case, Products
from processes import Side, running
from table import Row, number
from timing import Effort, Worker, ratio

POPNET = Side("popnet", "ours_hebbian:learning", {"networks": 2})


class Actor:
    """One of the shard actors of ``popnet launch``, as a worker."""

    name = "an actor of Ray"

    def __init__(self, ray: Any, actor: Any) -> None:
        self.ray, self.actor = ray, actor

    def begin(self, seconds: float) -> None:
        """To train for about so long."""
        self.beat = self.actor.work.remote(seconds)

    def end(self) -> tuple[float, float, float]:
        """Trials; CPU time is not known."""
        return self.ray.get(self.beat).trials, float("nan"), float("nan")


@contextmanager
def two_actors() -> Iterator[list[Actor]]:
    """Two of them, training from the beginning."""
    from ours import DNMS, HEBBIAN, WATCHED, plan_of

    from popnet.plan import networks
    from popnet.sweep.cluster import ray_running
    from popnet.work.shard import Shard

    members = networks(plan_of(2, task=DNMS, rule=HEBBIAN, train=WATCHED))
    with tempfile.TemporaryDirectory() as folder, ray_running(None, 2) as ray:
        hire: Any = ray.remote(num_cpus=1)(Shard)
        actors = [hire.remote(folder, "cpu", 3600) for _ in members]
        ray.get(
            [a.work.remote(1.0, (m,)) for a, m in zip(actors, members, strict=True)]
        )
        yield [Actor(ray, actor) for actor in actors]


def worked(workers: Sequence[Worker], seconds: float) -> float:
    """Units per second of wall time, of all that work at the same time."""
    start = time.perf_counter()
    for worker in workers:
        worker.begin(seconds)
    units = sum(worker.end()[0] for worker in workers)
    return units / (time.perf_counter() - start)


def gain(pair: Sequence[Worker], seconds: float) -> float:
    """How much faster two are than one."""
    alone = sum(worked([worker], seconds) for worker in pair) / 2
    return worked(pair, seconds) / alone


def measure(effort: Effort, products: Products) -> list[Row]:
    """Processes, actors of Ray and the machine's own gain, in turns."""
    gains: dict[str, list[float]] = {"plain": [], "sgemm": [], "actors": []}
    with running(TITLE, [POPNET, POPNET]) as plain, two_actors() as actors:
        pairs: dict[str, Sequence[Worker]]
        pairs = {"plain": plain, "sgemm": products, "actors": actors}
        for _ in range(effort.rounds):
            for name, pair in pairs.items():
                gains[name].append(gain(pair, 2 * effort.least_s))
    shown = {k: f"{number(statistics.median(v))} x one" for k, v in gains.items()}
    return [
        Row(
            what, shown[name], "two processes of sgemm", shown["sgemm"],
            ratio(gains[name], gains["sgemm"]), 0.93, 0.98,
        )
        for name, what in (("plain", TITLE), ("actors", "the same, actors of Ray"))
    ]  # fmt: skip


TITLE = "two workers, reward_hebbian, wall time"
TWO_WORKERS = [Case(TITLE, measure)]
