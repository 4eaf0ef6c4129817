"""Does the work of a launch on Ray: train or search, test, compare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from popnet.catalogue import packages_of
from popnet.config import ConfigError, Machine, Source
from popnet.plan import Pack
from popnet.runs import Run, write_plan
from popnet.store.backend import Backend
from popnet.store.shared_mark import marked
from popnet.sweep.interruption import Interruption
from popnet.sweep.progress import ProgressListener, ProgressReporter, lost
from popnet.sweep.sealed import Packages

if TYPE_CHECKING:
    from popnet.sweep.ray_tasks import FollowUpTasks
    from popnet.sweep.train_pack import PackSettings


class Resources(NamedTuple):
    """The resources of Ray that a launch works with."""

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
    """Start Ray here or join it, check that it can do the work, yield its resources.

    ``shares``: the places that every machine must reach; ``packages``: those that it
    must have.  Raises ConfigError where there are no such devices, a machine does not
    reach a place, or lacks a package.  When the head of a cluster is lost, the listener
    gets the stage "lost".
    """
    from popnet.sweep.cluster import cores, device_and_workers, ray_running
    from popnet.sweep.watchdog import watched

    with (
        ray_running(address, max(cores(), machine.workers or 1)) as ray,
        interruption.listening(),  # Ray has put its own handlers in place
    ):
        total = ray.cluster_resources()
        device, workers = device_and_workers(machine, total, address is not None)
        resources = Resources(device, workers, int(total.get("CPU", 0)), interruption)
        _check_code(ray)
        _check_packages(ray, packages)
        if address is None:
            yield resources
            return
        _check_shared(ray, shares)
        head = ray.get_runtime_context().gcs_address
        with watched(head, lambda: listen(lost(head))):
            yield resources


def _check_code(ray: Any) -> None:
    """Raise ConfigError unless every machine runs the code of this process."""
    from popnet.sweep.diagnosis import same_code

    unfit = [text for _, passed, text in same_code(ray) if not passed]
    if unfit:
        raise ConfigError(
            f"{unfit[0]}. Workers must import what the launch does: install the same "
            "popnet and versions there (on Kubernetes: the same image)."
        )


def _check_packages(ray: Any, packages: Packages) -> None:
    """Raise ConfigError unless every machine has the packages."""
    from popnet.sweep.diagnosis import installed

    unfit = [text for _, passed, text in installed(ray, packages) if not passed]
    if unfit:
        wanted = " ".join(package.replace(" ", "==") for package in packages)
        raise ConfigError(
            f"{unfit[0]}. Every machine needs what the sweep names: pip install "
            f"{wanted} (on Kubernetes: in the image)."
        )


def _check_shared(ray: Any, shares: Sequence[Backend]) -> None:
    """Raise ConfigError unless every machine reaches these places."""
    from popnet.sweep.diagnosis import shared

    for backend in shares:
        unfit = [text for _, passed, text in shared(ray, backend) if passed is False]
        if unfit:
            raise ConfigError(
                f"{unfit[0]}. Give an --out on a disk that all machines share, or "
                "--storage s3://... for the networks where there is none."
            )


def work(
    run: Run,
    todo: list[Pack],
    source: Source,
    resources: Resources,
    reporter: ProgressReporter,
) -> None:
    """Train or search, test and compare what is missing.

    Raises RuntimeError when a training, a test or a comparison failed.
    """
    from popnet.sweep.ray_tasks import FollowUpTasks

    with reporter.recording(), marked(run.store.backend) as mark:
        if todo and run.ledger is not None:
            run, todo = _search(run, todo, source, resources, mark, reporter), []
        # where training takes every core, tests share them rather than wait to the end
        spare = resources.cpus - resources.workers
        tasks = FollowUpTasks(
            run, cpus=int(spare > 0), at_once=max(spare, resources.workers)
        )
        tasks.test(reporter.statuses, reporter.statuses)
        if todo:
            _train(run, todo, resources, mark, reporter, tasks)
        tasks.test(reporter.statuses, reporter.statuses)
        _wait_for_tests(tasks, reporter)
        _compare(tasks, reporter)
        reporter.worker_notes |= tasks.notes


def _search(
    run: Run,
    todo: list[Pack],
    source: Source,
    resources: Resources,
    mark: str,
    reporter: ProgressReporter,
) -> Run:
    """Search over conditions; returns the run with the conditions tried."""
    from popnet.sweep.search import search

    def on_result(result: dict[str, Any]) -> None:
        reporter.count(result)

    settings = _pack_settings(run, todo, resources, mark)
    search(run, source, settings, on_result, resources.interruption)
    run = Run(run.folder)
    write_plan(run)
    reporter.refresh(run)
    return run


def _train(
    run: Run,
    todo: list[Pack],
    resources: Resources,
    mark: str,
    reporter: ProgressReporter,
    tasks: FollowUpTasks,
) -> None:
    """Train packs; networks are tested as soon as they are recorded."""
    from popnet.sweep.tune_packs import train

    def on_result(result: dict[str, Any]) -> None:
        recorded = reporter.count(result)
        tasks.test(recorded, recorded)

    settings = _pack_settings(run, todo, resources, mark)
    train(todo, settings, on_result, resources.interruption)
    reporter.refresh(run)


def _pack_settings(
    run: Run, todo: list[Pack], resources: Resources, mark: str
) -> PackSettings:
    from popnet.sweep.tune_packs import pack_settings

    return pack_settings(
        run.sweep.machine, todo, run.store.address, resources.device,
        resources.workers, mark, packages_of(run.plan),
    )  # fmt: skip


def _wait_for_tests(tasks: FollowUpTasks, reporter: ProgressReporter) -> None:
    def on_progress(done: int, jobs: int) -> None:
        if tasks.compiling:
            reporter.report("compile")
        else:
            reporter.report("test", done, jobs)

    tasks.wait(on_progress)


def _compare(tasks: FollowUpTasks, reporter: ProgressReporter) -> None:
    """Prepare networks for comparisons, then compare pairs of them."""
    tasks.prepare(reporter.statuses)
    tasks.wait(lambda done, jobs: reporter.report("prepare", done, jobs))
    tasks.compare(reporter.statuses)
    tasks.wait(lambda done, jobs: reporter.report("compare", done, jobs))
