"""popnet launch: plan, train, test, compare, record, report; again: continue."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from popnet.config import ConfigError, Machine, Plan, Source, dump
from popnet.engine.checking import check
from popnet.plan import Pack, networks, packs
from popnet.records import Run, Store, checkpoints, create_run, launching
from popnet.records.guarding import (
    check_address,
    check_tracking_uri,
    read_json,
    refuse_links,
)
from popnet.records.provenance import command_line, provenance
from popnet.records.view import write_view
from popnet.sweep import pending
from popnet.sweep.afterwards import metric_identity
from popnet.sweep.cluster import check_device


class Status(NamedTuple):
    """How far a launch is."""

    stage: str
    """start, compile, train, test, compare, record, report, mlflow or done."""
    networks: int
    recorded: int
    finished: dict[str, int]
    """Networks by status, those of earlier launches too."""
    trials: int
    """Trials trained by this launch."""
    steps: tuple[int, int]
    """Jobs of this stage done, and in all."""


Listener = Callable[[Status], None]


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


def prepare(plan: Plan, source: Source, out: Path) -> Prepared:
    """Check a sweep and write its folder; nothing is trained yet."""
    check(plan, source)
    return _prepared(plan, source, out, {n.key for n in networks(plan)})


def _prepared(plan: Plan, source: Source, out: Path, keys: set[str]) -> Prepared:
    """``prepare`` of a sweep that is checked, with these keys."""
    out.mkdir(parents=True, exist_ok=True)
    store = Store(out / "store")
    notes = store.audit(keys)
    about = provenance(command_line())
    notes += _replaced(out / plan.sweep.name, keys)
    run = create_run(out, plan, dump(plan, source), about)
    for scratch in run.folder.glob(".tune-*"):  # of a launch that was killed
        shutil.rmtree(scratch, ignore_errors=True)
    return Prepared(run, packs(pending.untrained(run)), notes)


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
    plan: Plan,
    source: Source,
    out: Path,
    *,
    address: str | None = None,
    tracking_uri: str | None = None,
    listen: Listener | None = None,
) -> Launched:
    """Do all that a sweep still needs.  Raises ConfigError before anything is written.

    Every network is recorded as it finishes; a launch that was killed continues.
    """
    check_address(address)
    check_tracking_uri(tracking_uri)
    check(plan, source)
    refuse_links(out, plan.sweep.name)
    keys = {n.key for n in networks(plan)}
    missing = keys - Store(out / "store").recorded()
    if missing and address is None:  # a cluster may have the GPU that is not here
        check_device(plan.sweep.machine)
    with launching(out / plan.sweep.name):
        prepared = _prepared(plan, source, out, keys)
        run, todo = prepared.run, prepared.todo
        teller = _Teller(run, listen or (lambda _: None))
        before = len(teller.known)
        if (
            todo
            or pending.test_jobs(run, teller.known, teller.known)
            or (pending.comparisons(run, teller.known))
        ):
            try:
                _work(run, todo, plan.sweep.machine, address, teller)
            except Exception:
                tables(run)  # what was made is seen all the same
                raise
        checkpoints.tidy(run.store.folder, run.store.recorded())
        notes = prepared.notes + finish(run, tracking_uri, teller.say)
        teller.say("done")
        by_status = dict(Counter(teller.known.values()))
        return Launched(run, len(teller.known) - before, by_status, notes)


class _Teller:
    """Keeps count of a launch and tells the listener."""

    def __init__(self, run: Run, listen: Listener) -> None:
        self.run, self.listen = run, listen
        self.known = pending.statuses(run)
        self.finished = Counter(self.known.values())
        self.trials = 0
        self.planned = len(run.positions)

    def say(self, stage: str, done: int = 0, of: int = 0) -> None:
        """Tell how far the launch is."""
        status = Status(
            stage, self.planned, len(self.known), dict(self.finished), self.trials,
            (done, of),
        )  # fmt: skip
        self.listen(status)

    def heard(self, result: dict[str, Any]) -> dict[str, str]:
        """Count a pack's report; returns the networks newly on disk."""
        self.trials += int(result.get("trials", 0))
        self.finished.update(result.get("finished", {}))
        recorded = {
            k: v for k, v in result.get("recorded", {}).items() if k not in self.known
        }
        self.known |= recorded
        # once something trains, other kernels are compiled beside it
        compiling = result.get("compiling") and self.trials == 0
        self.say("compile" if compiling else "train")
        return recorded


def _work(
    run: Run, todo: list[Pack], machine: Machine, address: str | None, teller: _Teller
) -> None:
    from popnet.sweep.cluster import cores, crew, ray_running

    teller.say("start")
    with ray_running(address, max(cores(), machine.workers or 1)) as ray:
        resources = ray.cluster_resources()
        device, workers = crew(machine, resources)
        from popnet.sweep.tasks import Afterwards

        # where training takes every core, tests share them rather than wait to the end
        spare = int(resources.get("CPU", 0)) - workers
        after = Afterwards(run, cpus=int(spare > 0), at_once=spare or workers)
        after.test(teller.known, teller.known)
        if todo:
            from popnet.sweep.training import site_of, train

            def report(result: dict[str, Any]) -> None:
                recorded = teller.heard(result)
                after.test(recorded, recorded)

            site = site_of(machine, todo, run.store.folder, device, workers)
            train(todo, site, run.folder, report)
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


def finish(run: Run, tracking_uri: str | None, say: Callable[[str], None]) -> list[str]:
    """Tables, report and MLflow from what is on disk; returns notes."""
    from popnet.records.tracking import TrackingError, sync
    from popnet.report import write_report

    say("record")
    tables(run)
    say("report")
    write_report(run)
    say("mlflow")
    try:
        sync(run, tracking_uri)
    except TrackingError as error:
        return [str(error)]
    return []


def tables(run: Run) -> None:
    """Write the run's tables from the store."""
    metrics = [metric_identity(m) for m in run.sweep.after.compare]
    write_view(run, pending.tests(run).asked, metrics)
