"""Creates, fills and deletes the MLflow runs of an experiment to match entries."""

import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from popnet.store.atomic_files import write_bytes
from popnet.tracking.artifacts import no_artifacts
from popnet.tracking.client import Client
from popnet.tracking.entries import Entry

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from mlflow.entities import Run as MlflowRun

COMPLETE, CURVES = "popnet.complete", "popnet.curves"
KIND, KEY, PARENT = "popnet.kind", "popnet.key", "mlflow.parentRunId"
PAGE = 100  # runs in memory at once, each with all its settings and scores
BATCH = {"metrics": 800, "params": 100}  # MLflow's limits: 1000 in all, tags included
THREADS = 3  # for a server: one computes, others wait.  SQLite takes one writer.
AT_ONCE = 48  # entries in memory

WithParent = tuple[Entry, str | None]
"""An entry and the id of its parent's run."""


class KnownRun(NamedTuple):
    """The facts about an existing MLflow run that are kept in memory."""

    run_id: str
    complete: str
    curves: str | None
    parent: str
    artifacts: str


class Writer:
    """Writes entries to the MLflow runs of one experiment."""

    def __init__(self, client: Client, experiment_id: str) -> None:
        """List all runs of the experiment, once."""
        self.client, self.experiment_id = client, experiment_id
        self.duplicates: list[str] = []
        self.known: dict[tuple[str, str], KnownRun] = {}
        for found in self._search():
            tags = found.data.tags
            identity = tags.get(KIND, ""), tags.get(KEY, "")
            if not all(identity):
                continue  # somebody's own run in this experiment
            run = _known_run(found)
            other = self.known.setdefault(identity, run)
            if other is not run:
                # two runs of one network: a server carried out one request twice
                if run.complete and not other.complete:
                    self.known[identity], run = run, other
                self.duplicates.append(run.run_id)

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

    def put_all(self, entries: Iterable[WithParent]) -> Iterator[tuple[Entry, str]]:
        """Write entries that do not depend on each other, several at a time.

        Yields, in order, each entry with its outcome: "created", "completed" or
        "unchanged".
        """
        if self.client.sqlite:
            yield from ((entry, self.put(entry, up)[1]) for entry, up in entries)
            return
        left = iter(entries)
        with ThreadPoolExecutor(THREADS) as threads:
            while block := list(islice(left, AT_ONCE)):
                outcomes = threads.map(lambda item: self.put(*item)[1], block)
                yield from zip((entry for entry, _ in block), outcomes, strict=True)

    def put(self, entry: Entry, parent: str | None) -> tuple[str, str]:
        """Create, complete or leave alone one run; return its id and the outcome."""
        known = self.known.pop((entry.kind, entry.key), None)
        digest, curves = entry.digest(), entry.curve_digest()
        outcome = "created" if known is None else "completed"
        if known is not None and known.curves not in ("", curves):
            # MLflow cannot take points back: other curves need another run.
            self.client.delete_run(known.run_id)
            known = None
        if known is None:
            run = self._create(entry, parent, curves)
        else:
            if parent and known.parent != parent:
                self.client.set_tag(known.run_id, PARENT, parent)
            if known.complete == digest and _has_artifact(entry, known):
                return known.run_id, "unchanged"
            if known.curves != curves:
                # before the points, so that they are known of if this process dies
                self.client.set_tag(known.run_id, CURVES, curves)
            run = self.client.get_run(known.run_id)
        self._fill(entry, run, digest)
        return run.info.run_id, outcome

    def placeholder(self, kind: str, key: str, name: str, parent: str | None) -> str:
        """Return the id of a parent run; create it unfilled when it is missing."""
        known = self.known.get((kind, key))
        if known is None:
            entry = Entry(
                kind, key, name, 0, "RUNNING", {}, {}, {}, [], "", "", no_artifacts
            )
            known = _known_run(self._create(entry, parent, ""))
            self.known[kind, key] = known
        return known.run_id

    def retire(self) -> int:
        """Delete (restorably) runs without entry and duplicates; return how many."""
        leftovers = [*(known.run_id for known in self.known.values()), *self.duplicates]
        for run_id in leftovers:
            self.client.delete_run(run_id)
        return len(leftovers)

    def _create(self, entry: Entry, parent: str | None, curves: str) -> "MlflowRun":
        """Create a run with all tags that identify it, in one call."""
        tags = {KIND: entry.kind, KEY: entry.key, CURVES: curves, **entry.tags}
        if parent:
            tags[PARENT] = parent
        return self.client.create_run(
            self.experiment_id, entry.at_ms, tags, run_name=entry.name
        )

    def _fill(self, entry: Entry, run: "MlflowRun", digest: str) -> None:
        run_id = run.info.run_id
        self._attach(entry, run)
        if run.info.run_name != entry.name:
            self.client.update_run(run_id, name=entry.name)
        if run.info.status != entry.status:
            if entry.status == "RUNNING":
                self.client.update_run(run_id, status="RUNNING")
            else:
                self.client.set_terminated(run_id, entry.status, entry.at_ms)
        tags = {k: v for k, v in entry.tags.items() if run.data.tags.get(k) != v}
        params = {k: v for k, v in entry.params.items() if k not in run.data.params}
        self._log(run_id, _metrics(entry, run), params, {**tags, COMPLETE: digest})

    def _attach(self, entry: Entry, run: "MlflowRun") -> None:
        """Store the artifacts; where that is a folder, without going through MLflow."""
        root = _folder(run.info.artifact_uri or "")
        with tempfile.TemporaryDirectory() as scratch:
            for path, folder in entry.attach(Path(scratch)):
                if root is None:
                    self.client.log_artifact(run.info.run_id, str(path), folder)
                else:
                    target = root / (folder or "") / path.name
                    write_bytes(target, path.read_bytes())

    def _log(
        self, run_id: str, metrics: "list[Metric]", params: dict[str, str], tags: dict
    ) -> None:
        """Log in as few calls as MLflow's limits allow; MLflow writes tags last."""
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


def _known_run(run: "MlflowRun") -> KnownRun:
    tags = run.data.tags
    return KnownRun(
        run.info.run_id,
        tags.get(COMPLETE, ""),
        tags.get(CURVES),
        tags.get(PARENT, ""),
        run.info.artifact_uri or "",
    )


def _metrics(entry: Entry, run: "MlflowRun") -> "list[Metric]":
    """Return the metrics that the run lacks or whose values differ.

    They are logged with the run's start time, so that a point logged again is the same
    row.  A score that has changed is logged with the present time and so becomes the
    latest value.
    """
    from mlflow.entities import Metric

    has, began = run.data.metrics, run.info.start_time
    later = max(began + 1, int(time.time() * 1000))
    last = {point.name: point.value for point in entry.curves}
    # points are written in order of their steps: if the last is there, all are
    drawn = all(has.get(name) == value for name, value in last.items())
    points = [] if drawn else entry.curves
    return [Metric(p.name, p.value, began, p.step) for p in points] + [
        Metric(name, value, later if name in has else began, 0)
        for name, value in entry.scores.items()
        if has.get(name) != value
    ]


def _folder(uri: str) -> Path | None:
    """Return the folder that a ``file:`` address names; None for other addresses."""
    parts = urlsplit(uri)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _has_artifact(entry: Entry, known: KnownRun) -> bool:
    """Return False when a folder of artifacts lacks the entry's required one."""
    folder = _folder(known.artifacts)
    required = entry.required
    return not required or folder is None or (folder / required).is_file()
