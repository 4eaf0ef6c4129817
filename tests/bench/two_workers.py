"""Two workers side by side: wall time, against two plain matrix products.

    gain = speed of both together / mean speed of each alone

2 would be perfect.  What the machine itself gives two processes is measured in the
same rounds; the ratio in the table is popnet's gain over that gain.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from case import Case
from ours import DNMS, HEBBIAN, WATCHED, Learners, plan_of
from table import Row, number
from timing import SGEMM, Effort, ratio, sgemm_sides

TRIALS = 10
Worked = Callable[[str, Sequence[int]], float]
"""Work per second of workers of these numbers, all at what is named."""


def work(pipe: Connection, which: int, seconds: float) -> None:
    """One worker: does what is asked by name until it is told to stop."""
    import torch

    torch.set_num_threads(1)
    learners = Learners(2, TRIALS, task=DNMS, rule=HEBBIAN)
    known = {"popnet": learners.step, SGEMM: sgemm_sides()[1].run}
    times = {}
    for name, run in known.items():
        run()
        start = time.process_time()
        run()
        times[name] = max(1, round(seconds / (time.process_time() - start)))
    pipe.send(times)
    times = pipe.recv()
    while name := pipe.recv():
        for _ in range(times[name]):
            known[name]()
        pipe.send(which)


@contextmanager
def two_processes(seconds: float) -> Iterator[Worked]:
    """Two processes, each with networks of its own."""
    context = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for which in range(2):
        here, there = context.Pipe()
        process = context.Process(target=work, args=(there, which, seconds))
        process.start()
        pipes.append(here)
        processes.append(process)
    # both do the same amount of work, so that they end together
    times = [pipe.recv() for pipe in pipes]
    agreed = {name: max(t[name] for t in times) for name in times[0]}
    for pipe in pipes:
        pipe.send(agreed)

    def worked(name: str, numbers: Sequence[int]) -> float:
        start = time.perf_counter()
        for which in numbers:
            pipes[which].send(name)
        for which in numbers:
            pipes[which].recv()
        return len(numbers) / (time.perf_counter() - start)

    try:
        yield worked
    finally:
        for pipe, process in zip(pipes, processes, strict=True):
            pipe.send("")
            process.join()


@contextmanager
def two_actors(seconds: float) -> Iterator[Worked]:
    """Two of the shard actors of ``popnet launch``, training from the beginning."""
    from popnet.plan import networks
    from popnet.sweep.cluster import ray_running
    from popnet.sweep.shard import Shard

    members = networks(plan_of(2, task=DNMS, rule=HEBBIAN, train=WATCHED))
    with tempfile.TemporaryDirectory() as folder, ray_running(None, 2) as ray:
        hire: Any = ray.remote(num_cpus=1)(Shard)
        actors = [hire.remote(folder, "cpu", 3600) for _ in members]
        ray.get(
            [a.work.remote(1.0, (m,)) for a, m in zip(actors, members, strict=True)]
        )

        def worked(_: str, numbers: Sequence[int]) -> float:
            start = time.perf_counter()
            beats = ray.get([actors[i].work.remote(seconds) for i in numbers])
            trials = sum(beat.trials for beat in beats)
            return trials / (time.perf_counter() - start)

        yield worked


def gain(worked: Worked, name: str) -> float:
    """How much faster two are than one."""
    alone = (worked(name, [0]) + worked(name, [1])) / 2
    return worked(name, [0, 1]) / alone


def measure(effort: Effort) -> list[Row]:
    """Processes, actors of Ray and the machine's own gain, in turns."""
    seconds = 2 * effort.least_s
    gains: dict[str, list[float]] = {"plain": [], "actors": [], SGEMM: []}
    with two_processes(seconds) as plain, two_actors(seconds) as actors:
        for _ in range(effort.rounds):
            gains["plain"].append(gain(plain, "popnet"))
            gains[SGEMM].append(gain(plain, SGEMM))
            gains["actors"].append(gain(actors, ""))
    shown = {k: f"{number(statistics.median(v))} x one" for k, v in gains.items()}
    return [
        Row(
            what, shown[name], "two processes of sgemm", shown[SGEMM],
            ratio(gains[name], gains[SGEMM]), 0.93, 0.98,
        )
        for name, what in (("plain", TITLE), ("actors", "the same, actors of Ray"))
    ]  # fmt: skip


TITLE = "two workers, reward_hebbian, wall time"
TWO_WORKERS = [Case(TITLE, measure)]
