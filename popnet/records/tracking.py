"""Fills MLflow from a recorded run: idempotent, and complete after any interruption.

The run's folder is the source of truth and MLflow a copy of it to browse. Every MLflow
run carries `popnet.complete`, a hash of all that was written, set last: what lacks it,
or has another one, is filled in; what has it is left alone.
"""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from popnet.records.tracking_entries import (
    SCORES,
    Entry,
    condition_entries,
    network_entries,
    sweep_entry,
)
from popnet.records.tracking_store import (
    Client,
    TrackingError,
    embedded_uri,
    locked,
    open_experiment,
    page,
    plain_errors,
    prepare,
    quiet_mlflow,
    serve_command,
    view_tags,
)

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from mlflow.entities import Run as MlflowRun

    from popnet.records import Run

__all__ = ["SyncReport", "TrackingError", "page", "serve_command", "sync"]

COMPLETE, CURVES = "popnet.complete", "popnet.curves"
KIND, KEY, PARENT = "popnet.kind", "popnet.key", "mlflow.parentRunId"
PAGE = 1000
BATCH = {"metrics": 800, "params": 100}  # MLflow's limits: 1000 in all, tags included


class SyncReport(NamedTuple):
    """What a sync found and did; the counts are of networks."""

    experiment: str
    experiment_id: str
    tracking_uri: str
    created: int
    completed: int  # were there, but not whole or out of date
    unchanged: int
    retired: int  # MLflow runs of any kind that the sweep no longer has; restorable


def sync(
    run: "Run",
    tracking_uri: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    live: bool = False,
) -> SyncReport:
    """Make MLflow say what the run's folder says, and nothing twice.

    `tracking_uri`: a server or database; by default the embedded SQLite store beside
    the runs. `on_progress(done, total)` counts networks. `live`: training still goes
    on; the sweep's files and the curves of conditions that are not whole are left for
    later.
    """
    embedded = tracking_uri is None
    uri = tracking_uri or embedded_uri(run.out)
    with ExitStack() as stack:
        stack.enter_context(quiet_mlflow(uri))
        stack.enter_context(locked(run.folder / ".sync.lock"))
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        with plain_errors(uri, str(run.folder), embedded):
            prepare(uri, run.out.resolve() / "artifacts")
        client = Client(uri, str(run.folder), embedded)
        experiment_id, experiment = open_experiment(client, run, uri)
        writer = Writer(client, experiment_id, scratch)
        counts = _write(run, writer, on_progress, live)
        return SyncReport(
            experiment, experiment_id, uri, **counts, retired=writer.retire()
        )


def _write(
    run: "Run",
    writer: "Writer",
    on_progress: Callable[[int, int], None] | None,
    live: bool,
) -> dict[str, int]:
    table = run.table()
    sweep, _ = writer.put(sweep_entry(run, table, live), parent=None)
    parents = {
        entry.key: writer.put(entry, sweep)[0]
        for entry in condition_entries(run, table, live)
    }
    counts = {"created": 0, "completed": 0, "unchanged": 0}
    scores = set()
    for done, entry in enumerate(network_entries(run, table), 1):
        _, outcome = writer.put(entry, parents[entry.tags["popnet.condition"]])
        counts[outcome] += 1
        scores |= set(entry.scores)
        if on_progress is not None:
            on_progress(done, len(table))
    varied = [name for name in run.varied if name in table]
    shown = [name for name in SCORES if name in scores]
    shown += sorted(scores - set(SCORES))
    writer.tag(view_tags(varied[0] if varied else "", varied, shown))
    return counts


class Writer:
    """Brings single MLflow runs of one experiment to what their entries say."""

    def __init__(self, client: Client, experiment_id: str, scratch: Path) -> None:
        """Ask once, for all of them, which runs the experiment has."""
        self.client, self.experiment_id, self.scratch = client, experiment_id, scratch
        self.surplus: list[MlflowRun] = []
        self.known: dict[tuple[str, str], MlflowRun] = {}
        for found in self._search():
            tags = found.data.tags
            identity = tags.get(KIND, ""), tags.get(KEY, "")
            if not all(identity):
                continue  # somebody's own run in this experiment
            twin = self.known.setdefault(identity, found)
            if twin is not found:
                # Two runs of one network: a server took one request twice.
                if COMPLETE in tags and COMPLETE not in twin.data.tags:
                    self.known[identity], found = found, twin
                self.surplus.append(found)

    def _search(self) -> Iterator["MlflowRun"]:
        token = None
        while True:
            page = self.client.search_runs(
                [self.experiment_id], max_results=PAGE, page_token=token
            )
            yield from page
            token = page.token
            if not token:
                return

    def tag(self, tags: dict[str, str]) -> None:
        """Set tags of the experiment where they differ."""
        has = self.client.get_experiment(self.experiment_id).tags
        for name, value in tags.items():
            if has.get(name) != value:
                self.client.set_experiment_tag(self.experiment_id, name, value)

    def put(self, entry: Entry, parent: str | None) -> tuple[str, str]:
        """Create, fill in or leave alone; the run's id and which of these it was."""
        known = self.known.pop((entry.kind, entry.key), None)
        digest, curves = entry.digest(), entry.curve_digest()
        outcome = "created" if known is None else "completed"
        if known is not None and known.data.tags.get(CURVES) not in ("", curves):
            # MLflow cannot take points back: other curves need another run.
            self.client.delete_run(known.info.run_id)
            known = None
        if known is None:
            known = self._create(entry, parent, curves)
        elif parent and known.data.tags.get(PARENT) != parent:
            self.client.set_tag(known.info.run_id, PARENT, parent)
        run_id, tags = known.info.run_id, known.data.tags
        if tags.get(COMPLETE) == digest and _proven(entry, known):
            return run_id, "unchanged"
        if tags.get(CURVES) != curves:
            # Before the points: if this process dies after them, they are known.
            self.client.set_tag(run_id, CURVES, curves)
        self._fill(entry, known, digest)
        return run_id, outcome

    def retire(self) -> int:
        """Delete (restorably) what the folder no longer has, and second twins."""
        leftovers = [*self.known.values(), *self.surplus]
        for found in leftovers:
            self.client.delete_run(found.info.run_id)
        return len(leftovers)

    def _create(self, entry: Entry, parent: str | None, curves: str) -> "MlflowRun":
        """All that identifies a run is set in the one call that creates it."""
        tags = {KIND: entry.kind, KEY: entry.key, CURVES: curves, **entry.tags}
        if parent:
            tags[PARENT] = parent
        return self.client.create_run(
            self.experiment_id, entry.at_ms, tags, run_name=entry.name
        )

    def _fill(self, entry: Entry, known: "MlflowRun", digest: str) -> None:
        run_id = known.info.run_id
        for path, folder in entry.attach(self.scratch):
            self.client.log_artifact(run_id, str(path), folder)
        if known.info.run_name != entry.name:
            self.client.update_run(run_id, name=entry.name)
        if known.info.status != entry.status:
            if entry.status == "RUNNING":
                self.client.update_run(run_id, status="RUNNING")
            else:
                self.client.set_terminated(run_id, entry.status, entry.at_ms)
        tags = {k: v for k, v in entry.tags.items() if known.data.tags.get(k) != v}
        params = {k: v for k, v in entry.params.items() if k not in known.data.params}
        self._log(run_id, _metrics(entry, known), params, {**tags, COMPLETE: digest})

    def _log(
        self, run_id: str, metrics: "list[Metric]", params: dict[str, str], tags: dict
    ) -> None:
        """In as few calls as MLflow's limits allow; MLflow writes tags last."""
        from mlflow.entities import Param, RunTag

        while len(metrics) > BATCH["metrics"] or len(params) > BATCH["params"]:
            now, metrics = metrics[: BATCH["metrics"]], metrics[BATCH["metrics"] :]
            head = dict(islice(params.items(), BATCH["params"]))
            params = {k: v for k, v in params.items() if k not in head}
            self.client.log_batch(run_id, now, [Param(*item) for item in head.items()])
        self.client.log_batch(
            run_id,
            metrics,
            [Param(*item) for item in params.items()],
            [RunTag(*item) for item in tags.items()],
        )


def _metrics(entry: Entry, known: "MlflowRun") -> "list[Metric]":
    """The metrics that the run lacks or has otherwise.

    Times are those of the run, so that a point logged again is the same row; a score
    that changed later is logged with the present time and becomes the latest.
    """
    from mlflow.entities import Metric

    has, began = known.data.metrics, known.info.start_time
    later = max(began + 1, int(time.time() * 1000))
    last = {point.name: point.value for point in entry.curves}
    # Points are written in order of their steps: the last one stands for all.
    drawn = all(has.get(name) == value for name, value in last.items())
    points = [] if drawn else entry.curves
    return [Metric(p.name, p.value, began, p.step) for p in points] + [
        Metric(name, value, later if name in has else began, 0)
        for name, value in entry.scores.items()
        if has.get(name) != value
    ]


def _proven(entry: Entry, known: "MlflowRun") -> bool:
    """Whether the artifact is still there, where that can be seen without asking."""
    place = urlsplit(known.info.artifact_uri)
    if not entry.proof or place.scheme != "file":
        return True
    return Path(unquote(place.path), entry.proof).is_file()
