"""popnet launch: plan, train, test, compare, record, report; again: continue."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from popnet.config import Machine, Plan, Source, dump
from popnet.engine.checking import check
from popnet.plan import Pack, networks, packs
from popnet.records import Run, Store, checkpoints, create_run, launching
from popnet.records.auditing import Checked
from popnet.records.fingerprint import fingerprint, forget, made_from, note_made
from popnet.records.provenance import command_line, provenance
from popnet.records.storage import choose, refuse_links, remember
from popnet.records.view import write_view
from popnet.sweep import pending
from popnet.sweep.afterwards import metric_identity
from popnet.sweep.cluster import check_device
from popnet.sweep.interruption import Interruption

if TYPE_CHECKING:
    from popnet.sweep.recorder import Recording

SLOW_S = 5.0


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
    behind: int = 0
    """Recorded networks that MLflow still lacks; known while Ray runs."""


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


def prepare(
    plan: Plan, source: Source, out: Path, storage: str | None = None
) -> Prepared:
    """Check a sweep and write its folder; nothing is trained yet."""
    check(plan, source)
    place = choose(out, storage)
    out.mkdir(parents=True, exist_ok=True)
    store = Store(place)
    notes = store.audit({n.key for n in networks(plan)})
    notes += _slow(store.checked)
    remember(out, place)
    about = provenance(command_line())
    notes += _replaced(out / plan.sweep.name, plan)
    run = create_run(out, plan, dump(plan, source), about)
    for scratch in run.folder.glob(".tune-*"):  # of a launch that was killed
        shutil.rmtree(scratch, ignore_errors=True)
    return Prepared(run, packs(pending.untrained(run)), notes)


def _slow(checked: Checked) -> list[str]:
    """A note when checking the store took long."""
    if checked.seconds < SLOW_S:
        return []
    mb = checked.bytes / 1e6
    return [
        f"checked {mb:.0f} MB of recorded networks in {checked.seconds:.0f} s "
        f"({mb / checked.seconds:.0f} MB/s)"
    ]


def _replaced(folder: Path, plan: Plan) -> list[str]:
    """A note when another sweep of this name has its tables here."""
    known = folder / "plan.json"
    if not known.is_file():
        return []
    before = json.loads(known.read_text())["conditions"].values()
    old = {key for condition in before for key in condition["keys"]}
    if not old or old & {n.key for n in networks(plan)}:
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
    storage: str | None = None,
    listen: Listener | None = None,
) -> Launched:
    """Do all that a sweep still needs.  Raises ConfigError before anything is written.

    Every network is recorded as it finishes; a launch that was killed continues.
    """
    check(plan, source)
    place = choose(out, storage)
    refuse_links(out, plan.sweep.name, place)
    missing = {n.key for n in networks(plan)} - Store(place).recorded()
    if missing and address is None:  # a cluster may have the GPU that is not here
        check_device(plan.sweep.machine)
    with launching(out / plan.sweep.name):
        prepared = prepare(plan, source, out, storage)
        run, todo = prepared.run, prepared.todo
        teller = _Teller(run, listen or (lambda _: None), tracking_uri)
        before = len(teller.known)
        if (
            todo
            or pending.test_jobs(run, teller.known, teller.known)
            or (pending.comparisons(run, teller.known))
        ):
            interruption = Interruption()
            try:
                with interruption.heard():
                    _work(run, todo, plan.sweep.machine, address, teller, interruption)
            except Exception:
                tables(run)  # what was made is seen all the same
                raise
        checkpoints.tidy(run.store.place, run.store.recorded())
        run.store.compact()
        notes = prepared.notes + finish(run, tracking_uri, teller.say)
        teller.say("done")
        by_status = dict(Counter(teller.known.values()))
        return Launched(run, len(teller.known) - before, by_status, notes)


class _Teller:
    """Keeps count of a launch and tells the listener."""

    def __init__(
        self, run: Run, listen: Listener, tracking_uri: str | None = None
    ) -> None:
        self.run, self.listen, self.tracking_uri = run, listen, tracking_uri
        self.recorder: Recording | None = None
        self.known = pending.statuses(run)
        self.finished = Counter(self.known.values())
        self.trials = 0
        self.planned = len({n.key for n in run.networks})

    def say(self, stage: str, done: int = 0, of: int = 0) -> None:
        """Tell how far the launch is."""
        status = Status(
            stage, self.planned, len(self.known), dict(self.finished), self.trials,
            (done, of), self._behind(),
        )  # fmt: skip
        self.listen(status)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """MLflow is filled in the background; for use where Ray runs."""
        from popnet.sweep.recorder import recording

        with recording(self.run, self.tracking_uri) as self.recorder:
            yield
        self.recorder = None

    def _behind(self) -> int:
        if self.recorder is None:
            return 0
        return max(0, len(self.known) - self.recorder.progress().written)

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
    run: Run, todo: list[Pack], machine: Machine, address: str | None, teller: _Teller,
    interruption: Interruption,
) -> None:  # fmt: skip
    from popnet.sweep.cluster import cores, crew, ray_running

    teller.say("start")
    cpus = max(cores(), machine.workers or 1)
    with (
        ray_running(address, cpus) as ray,
        interruption.heard(),  # Ray has put its own handler in place
        teller.recording(),
    ):
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

            site = site_of(machine, todo, run.store.address, device, workers)
            train(todo, site, run.folder, report, interruption)
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


def finish(run: Run, tracking_uri: str | None, say: Callable[..., None]) -> list[str]:
    """Tables, report and MLflow from what is on disk; returns notes.

    What was made from the same records before, and still lies there, is left alone.
    """
    from popnet.records.tracking import TrackingError, is_filled, sync

    made = fingerprint(run)
    if made_from(run) != made:
        _results(run, made, say)
    say("mlflow")
    try:
        if not is_filled(run, tracking_uri, made):
            sync(run, tracking_uri, lambda done, of: say("mlflow", done, of))
    except TrackingError as error:
        return [str(error)]
    return []


def _results(run: Run, made: str, say: Callable[..., None]) -> None:
    from popnet.report import write_report

    forget(run)
    say("record")
    tables(run)
    say("report")
    write_report(run)
    note_made(run, made)


def tables(run: Run) -> None:
    """Write the run's tables from the store."""
    metrics = [metric_identity(m) for m in run.sweep.after.compare]
    write_view(run, pending.tests(run).asked, metrics)
