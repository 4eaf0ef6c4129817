"""The work of a launch: join Ray, train or search, test, compare."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from popnet.catalogue import packages_of
from popnet.config import ConfigError, Machine, Source
from popnet.plan import Pack
from popnet.runs import Run, write_plan
from popnet.store.backend import Backend
from popnet.store.shared_mark import marked
from popnet.sweep.interruption import Interruption
from popnet.sweep.progress import ProgressListener, ProgressReporter, lost
from popnet.sweep.sealed import Packages
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
    packages: Packages = (),
) -> Iterator[Resources]:
    """A Ray, started here or joined, on which the work can be done.

    ``shares``: what every machine must reach; ``packages``: what it must have.  Raises
    ConfigError where the work cannot be done: no such devices, a place that some
    machine does not see, a package that it lacks.  That the head of a cluster is gone
    is told to the listener, as stage "lost".
    """
    from popnet.sweep.cluster import cores, device_and_workers, ray_running
    from popnet.sweep.diagnosis import installed, shared
    from popnet.sweep.watchdog import watched

    with (
        ray_running(address, max(cores(), machine.workers or 1)) as ray,
        interruption.heard(),  # Ray has put its own handlers in place
    ):
        given = ray.cluster_resources()
        device, workers = device_and_workers(machine, given, address is not None)
        some = Resources(device, workers, int(given.get("CPU", 0)), interruption)
        unfit = [text for _, fit, text in installed(ray, packages) if not fit]
        if unfit:
            wanted = " ".join(package.replace(" ", "==") for package in packages)
            raise ConfigError(
                f"{unfit[0]}. Every machine needs what the sweep names: pip install "
                f"{wanted} (on Kubernetes: in the image)."
            )
        if address is None:
            yield some
            return
        for backend in shares:
            blind = [text for _, fit, text in shared(ray, backend) if fit is False]
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
    reporter: ProgressReporter,
) -> None:
    """Train or search, test and compare what is missing."""
    from popnet.sweep.ray_tasks import Afterwards

    with reporter.recording(), marked(run.store.backend) as mark:
        # where training takes every core, tests share them rather than wait to the end
        spare = resources.cpus - resources.workers
        if todo and run.ledger is not None:
            run, todo = (
                _searched(run, todo, source, resources, mark, reporter),
                [],
            )
        after = Afterwards(
            run, cpus=int(spare > 0), at_once=max(spare, resources.workers)
        )
        after.test(reporter.known, reporter.known)
        if todo:
            from popnet.sweep.tune_packs import site_of, train

            def report(result: dict[str, Any]) -> None:
                recorded = reporter.count(result)
                after.test(recorded, recorded)

            site = site_of(
                run.sweep.machine, todo, run.store.address, resources.device,
                resources.workers, mark, after.packages,
            )  # fmt: skip
            train(todo, site, report, resources.interruption)
            reporter.known = pending.statuses(run)
            reporter.finished = Counter(reporter.known.values())
        after.test(reporter.known, reporter.known)

        def testing(done: int, of: int) -> None:
            if after.compiling:
                reporter.say("compile")
            else:
                reporter.say("test", done, of)

        after.wait(testing)
        after.prepare(reporter.known)
        after.wait(lambda done, of: reporter.say("prepare", done, of))
        after.compare(reporter.known)
        after.wait(lambda done, of: reporter.say("compare", done, of))
        reporter.heard_notes |= after.notes


def _searched(
    run: Run,
    todo: list[Pack],
    source: Source,
    resources: Resources,
    mark: str,
    reporter: ProgressReporter,
) -> Run:
    """Search over conditions; returns the run with the conditions tried."""
    from popnet.sweep.search import search
    from popnet.sweep.tune_packs import site_of

    def report(result: dict[str, Any]) -> None:
        reporter.count(result)

    site = site_of(
        run.sweep.machine,
        todo,
        run.store.address,
        resources.device,
        resources.workers,
        mark,
        packages_of(run.plan),
    )
    search(run, source, site, report, resources.interruption)
    run = Run(run.folder)
    write_plan(run)
    reporter.known = pending.statuses(run)
    reporter.finished = Counter(reporter.known.values())
    return run
