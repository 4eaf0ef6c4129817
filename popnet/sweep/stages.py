"""The work of a launch: join Ray, train or search, test, compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from popnet.config import ConfigError, Machine, Source
from popnet.plan import Pack
from popnet.runs import Run, write_plan
from popnet.store.backend import Backend
from popnet.store.shared_mark import marked
from popnet.sweep.interruption import Interruption
from popnet.sweep.progress import ProgressListener, ProgressReporter, lost
from popnet.work import pending


class Resources(NamedTuple):
    """What a launch has to work with."""

    device: str
    workers: int
    """Shard actors that the cluster can keep now."""
    cpus: int
    interruption: Interruption


@contextmanager
def joined(
    address: str | None,
    machine: Machine,
    shares: Sequence[Backend],
    interruption: Interruption,
    listen: ProgressListener,
) -> Iterator[Resources]:
    """A Ray, started here or joined, on which the work can be done.

    ``shares``: what every machine must reach.  Raises ConfigError where the work cannot
    be done: no such devices, a place that some machine does not see.  That the head of
    a cluster is gone is told to the listener, as stage "lost".
    """
    from popnet.sweep.cluster import cores, device_and_workers, ray_running
    from popnet.sweep.diagnosis import shared
    from popnet.sweep.watchdog import watched

    with (
        ray_running(address, max(cores(), machine.workers or 1)) as ray,
        interruption.heard(),  # Ray has put its own handlers in place
    ):
        given = ray.cluster_resources()
        device, workers = device_and_workers(machine, given, address is not None)
        some = Resources(device, workers, int(given.get("CPU", 0)), interruption)
        if address is None:
            yield some
            return
        for place in shares:
            blind = [text for _, fit, text in shared(ray, place) if fit is False]
            if blind:
                raise ConfigError(
                    f"{blind[0]}. Give an --out on a disk that all machines share, or "
                    "--storage s3://... for the networks where there is none."
                )
        head = ray.get_runtime_context().gcs_address
        with watched(head, lambda: listen(lost(head))):
            yield some


def work(
    run: Run,
    todo: list[Pack],
    source: Source,
    resources: Resources,
    teller: ProgressReporter,
) -> None:
    """Train or search, test and compare what is missing."""
    from popnet.sweep.ray_tasks import Afterwards

    with teller.recording(), marked(run.store.place) as mark:
        # where training takes every core, tests share them rather than wait to the end
        spare = resources.cpus - resources.workers
        if todo and run.ledger is not None:
            run, todo = (
                _searched(run, todo, source, resources, mark, teller),
                [],
            )
        after = Afterwards(
            run, cpus=int(spare > 0), at_once=max(spare, resources.workers)
        )
        after.test(teller.known, teller.known)
        if todo:
            from popnet.sweep.tune_packs import site_of, train

            def report(result: dict[str, Any]) -> None:
                recorded = teller.heard(result)
                after.test(recorded, recorded)

            site = site_of(
                run.sweep.machine, todo, run.store.address, resources.device,
                resources.workers, mark,
            )  # fmt: skip
            train(todo, site, report, resources.interruption)
            teller.known = pending.statuses(run)
            teller.finished = Counter(teller.known.values())
        after.test(teller.known, teller.known)

        def testing(done: int, of: int) -> None:
            if after.compiling:
                teller.say("compile")
            else:
                teller.say("test", done, of)

        after.wait(testing)
        after.compare(teller.known)
        after.wait(lambda done, of: teller.say("compare", done, of))


def _searched(
    run: Run,
    todo: list[Pack],
    source: Source,
    resources: Resources,
    mark: str,
    teller: ProgressReporter,
) -> Run:
    """Search over conditions; returns the run with the conditions tried."""
    from popnet.sweep.search import search
    from popnet.sweep.tune_packs import site_of

    def report(result: dict[str, Any]) -> None:
        teller.heard(result)

    site = site_of(
        run.sweep.machine,
        todo,
        run.store.address,
        resources.device,
        resources.workers,
        mark,
    )
    search(run, source, site, report, resources.interruption)
    run = Run(run.folder)
    write_plan(run)
    teller.known = pending.statuses(run)
    teller.finished = Counter(teller.known.values())
    return run
