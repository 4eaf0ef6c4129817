"""popnet launch: plan, train, test, compare, record, report; again: continue."""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from popnet.catalogue import packages_of, refuse_session
from popnet.config import ConfigError, LoadedSweep, Source, dump
from popnet.plan import Pack, networks, packs
from popnet.runs import Run, create_run, launching
from popnet.runs.addresses import check_address, check_tracking_uri
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
    """What a launch came to."""

    run: Run
    trained: int
    """Networks trained by this launch."""
    by_status: dict[str, int]
    notes: list[str]
    """What the user should know: damaged records redone, MLflow away ..."""


class Prepared(NamedTuple):
    """A sweep ready to be launched, and what it still needs."""

    run: Run
    todo: list[Pack]
    notes: list[str]


def prepare(
    plan: LoadedSweep, source: Source, out: Path, storage: str | None = None
) -> Prepared:
    """Write the folder of a loaded sweep; nothing is trained yet."""
    return _prepared(plan, source, out, {n.key for n in networks(plan)}, storage)


def _prepared(
    plan: LoadedSweep, source: Source, out: Path, keys: set[str], storage: str | None
) -> Prepared:
    """``prepare`` of a sweep with these keys."""
    backend = choose(out, storage)
    out.mkdir(parents=True, exist_ok=True)
    store = Store(backend)
    audited = audit(store, keys)
    notes = audited.problems + _slow(audited)
    remember(out, backend)
    about = provenance(command_line(), packages_of(plan))
    folder = out / plan.sweep.name
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
    """A note when checking the store took long."""
    if audited.seconds < SLOW_S:
        return []
    mb = audited.bytes / 1e6
    return [
        f"checked {mb:.0f} MB of recorded networks in {audited.seconds:.0f} s "
        f"({mb / audited.seconds:.0f} MB/s)"
    ]


def _replaced(folder: Path, keys: set[str]) -> list[str]:
    """A note when another sweep of this name has its tables here."""
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

    Every network is recorded as it finishes; a launch that was killed continues.
    """
    check_address(address)
    check_tracking_uri(tracking_uri)
    refuse_session(plan, source)
    packages = packages_of(plan)
    backend = choose(out, storage)
    refuse_links(out, plan.sweep.name, backend)
    keys = {n.key for n in networks(plan)}
    missing = keys - Store(backend).recorded()
    machine, listen = plan.sweep.machine, listen or (lambda _: None)
    interruption = Interruption()
    with ExitStack() as stack:
        stack.enter_context(interruption.heard())

        # Ray Tune keeps what a search has asked in the run's folder
        shares = [backend, *([LocalDisk(out)] if plan.sweep.search else [])]

        def ray_joined() -> Resources:
            return stack.enter_context(
                joined(address, machine, shares, interruption, listen, packages)
            )

        crew: Resources | None = None
        if missing or plan.corners:
            if address is None:  # a cluster may have the GPU that is not here
                check_device(machine)
            else:  # what is wrong with it is said before anything is written
                crew = ray_joined()
        stack.enter_context(launching(out / plan.sweep.name))
        prepared = _prepared(plan, source, out, keys, storage)
        run = prepared.run
        reporter = ProgressReporter(run, listen, tracking_uri)
        before = len(reporter.known)
        if (
            prepared.todo
            or pending.test_jobs(run, reporter.known, reporter.known)
            or (pending.comparisons(run, reporter.known))
        ):
            reporter.say("start")
            try:
                work(run, prepared.todo, source, crew or ray_joined(), reporter)
            except Exception:
                write_tables(Run(run.folder))  # what was made is seen all the same
                raise
            run = Run(run.folder)  # a search has tried more conditions
            lacking = keys - run.store.recorded()
            if lacking and not plan.sweep.search:
                write_tables(run)
                raise RuntimeError(
                    f"{len(lacking)} of {len(keys)} networks are not in the store; the "
                    "same command again trains them."
                )
        checkpoints.tidy(run.store.backend, run.store.recorded())
        compact(run.store)
        notes = prepared.notes + reporter.notes
        notes += finish(run, tracking_uri, reporter.say)
        reporter.say("done")
        by_status = dict(Counter(reporter.known.values()))
        return Launched(run, len(reporter.known) - before, by_status, notes)
