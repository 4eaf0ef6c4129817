"""Runs a whole sweep: plan, train, test, compare, record, report, or continue it."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from popnet.catalogue import packages_of, refuse_session
from popnet.config import ConfigError, LoadedSweep, Source, dump
from popnet.plan import Pack, networks, packs
from popnet.runs import Run, create_run, mend, writing
from popnet.runs.addresses import check_address, tracking_address
from popnet.runs.checksums import refuse_damaged
from popnet.runs.physics import refuse_earlier
from popnet.runs.provenance import command_line, provenance
from popnet.runs.search_ledger import with_tried
from popnet.runs.tables import write_tables
from popnet.runs.untrusted import read_json, refuse_links
from popnet.store import Store, checkpoints
from popnet.store.audit import Audit, audit
from popnet.store.compaction import compact
from popnet.store.local_disk import LocalDisk
from popnet.store.location import choose, remember
from popnet.sweep.cluster import check_device
from popnet.sweep.finish import finish
from popnet.sweep.interruption import Interruption
from popnet.sweep.progress import ProgressListener, ProgressReporter
from popnet.sweep.stages import Resources, joined, work
from popnet.work import pending

SLOW_S = 5.0


class Launched(NamedTuple):
    """The result of a launch."""

    run: Run
    trained: int
    """Networks trained by this launch."""
    by_status: dict[str, int]
    notes: list[str]
    """Notes for the user: damaged records made again, MLflow away ..."""


class Prepared(NamedTuple):
    """A sweep ready to be launched, and what it still needs."""

    run: Run
    todo: list[Pack]
    notes: list[str]


def prepare(
    plan: LoadedSweep, source: Source, out: Path, storage: str | None = None
) -> Prepared:
    """Write the run's folder of a sweep and list what is to be trained."""
    return _prepared(plan, source, out, {n.key for n in networks(plan)}, storage)


def _prepared(
    plan: LoadedSweep, source: Source, out: Path, keys: set[str], storage: str | None
) -> Prepared:
    """Prepare a sweep whose networks have these keys."""
    backend = choose(out, storage)
    out.mkdir(parents=True, exist_ok=True)
    store = Store(backend)
    folder = out / plan.sweep.name
    audited = audit(store, keys)
    notes = mend(folder) + audited.problems + _slow(audited)
    remember(out, backend)
    about = provenance(command_line(), packages_of(plan))
    if plan.sweep.search:
        tried = with_tried(plan, source, folder)
        notes += _replaced(folder, {n.key for n in networks(tried)})
    else:
        notes += _replaced(folder, keys)
    run = create_run(out, plan, dump(plan, source), about)
    for scratch in run.folder.glob(".tune-*"):  # of a launch that was killed
        shutil.rmtree(scratch, ignore_errors=True)
    if plan.corners:
        notes += audit(store, {n.key for n in run.networks}).problems
    if run.ledger is not None and run.ledger.replaced:
        notes.append(
            "the search was changed and begins anew; what was trained is not trained "
            "again"
        )
    return Prepared(run, packs(pending.to_train(run)), notes)


def _slow(audited: Audit) -> list[str]:
    """Return a note when checking the store took long."""
    if audited.seconds < SLOW_S:
        return []
    mb = audited.bytes / 1e6
    return [
        f"checked {mb:.0f} MB of recorded networks in {audited.seconds:.0f} s "
        f"({mb / audited.seconds:.0f} MB/s)"
    ]


def _replaced(folder: Path, keys: set[str]) -> list[str]:
    """Return a note when another sweep of this name has its tables in the folder."""
    try:
        before = read_json(folder / "plan.json", dict).get("conditions", {}).values()
        old = {key for condition in before for key in condition["keys"]}
    except (ConfigError, AttributeError, KeyError, TypeError):
        return [f"{folder / 'plan.json'} could not be read and is written anew."]
    if not old or old & keys:
        return []
    return [
        f"{folder.name}: another sweep of this name was here; its networks stay in the "
        "store, its tables and report are replaced. Give this sweep another name to "
        "keep both."
    ]


def launch(
    plan: LoadedSweep,
    source: Source,
    out: Path,
    *,
    address: str | None = None,
    tracking_uri: str | None = None,
    storage: str | None = None,
    listen: ProgressListener | None = None,
) -> Launched:
    """Do all that a sweep still needs.  Raises ConfigError before anything is written.

    A killed launch continues."""
    check_address(address)
    tracking = tracking_address(tracking_uri)
    refuse_session(plan, source)
    packages = packages_of(plan)
    backend = choose(out, storage)
    refuse_links(out, plan.sweep.name, backend)
    refuse_damaged(Path(source.file))
    refuse_earlier(out / plan.sweep.name, Store(backend))
    keys = {n.key for n in networks(plan)}
    missing = keys - Store(backend).recorded()
    machine, listen = plan.sweep.machine, listen or (lambda _: None)
    # Ray Tune keeps what a search has asked in the run's folder
    shares = [backend, *([LocalDisk(out)] if plan.sweep.search else [])]
    interruption = Interruption()
    with ExitStack() as stack:
        stack.enter_context(interruption.listening())
        join = partial(joined, address, machine, shares, interruption, listen, packages)
        ray = _RayOnDemand(stack, join)
        if missing or plan.corners:
            if address is None:  # a cluster may have the GPU that is not here
                check_device(machine)
            else:  # its faults are reported before anything is written
                ray.resources()
        stack.enter_context(writing(out / plan.sweep.name))
        prepared = _prepared(plan, source, out, keys, storage)
        reporter = ProgressReporter(prepared.run, listen, tracking)
        return _complete(prepared, keys, source, ray, reporter)


class _RayOnDemand:
    """Joins Ray when it is first needed, until the launch ends."""

    def __init__(
        self, stack: ExitStack, join: Callable[[], AbstractContextManager[Resources]]
    ) -> None:
        self._stack, self._join = stack, join
        self._resources: Resources | None = None

    def resources(self) -> Resources:
        """Return the resources of Ray.  Raises ConfigError as ``joined`` does."""
        if self._resources is None:
            self._resources = self._stack.enter_context(self._join())
        return self._resources


def _complete(
    prepared: Prepared,
    keys: set[str],
    source: Source,
    ray: _RayOnDemand,
    reporter: ProgressReporter,
) -> Launched:
    """Do the work that is missing, tidy the store, make the results."""
    run, statuses = prepared.run, reporter.statuses
    before = len(statuses)
    if (
        prepared.todo
        or pending.test_jobs(run, statuses, statuses)
        or pending.comparisons(run, statuses)
    ):
        run = _work(prepared, keys, source, ray, reporter)
    checkpoints.tidy(run.store.backend, run.store.recorded())
    compact(run.store)
    notes = prepared.notes + reporter.notes
    reporter.getting_ready.wait()
    notes += finish(run, reporter.tracking_uri, reporter.report)
    reporter.report("done")
    by_status = dict(Counter(reporter.statuses.values()))
    return Launched(run, len(reporter.statuses) - before, by_status, notes)


def _work(
    prepared: Prepared,
    keys: set[str],
    source: Source,
    ray: _RayOnDemand,
    reporter: ProgressReporter,
) -> Run:
    """Do the work of a launch; returns the run with the conditions that it then has.

    When the work fails, the tables are written nevertheless.  Raises RuntimeError when
    networks of a plain sweep are still missing at the end.
    """
    run = prepared.run
    reporter.report("start")
    try:
        work(run, prepared.todo, source, ray.resources(), reporter)
    except Exception:
        write_tables(Run(run.folder))
        raise
    run = Run(run.folder)  # a search has tried more conditions
    lacking = keys - run.store.recorded()
    if lacking and not run.sweep.search:
        write_tables(run)
        raise RuntimeError(
            f"{len(lacking)} of {len(keys)} networks are not in the store; the "
            "same command again trains them."
        )
    return run
