"""Brings single MLflow runs of an experiment to what their entries say."""

import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from popnet.store.atomic_files import write_bytes
from popnet.tracking.client import Client
from popnet.tracking.entries import Entry, nothing

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from mlflow.entities import Run as MlflowRun

COMPLETE, CURVES = "popnet.complete", "popnet.curves"
KIND, KEY, PARENT = "popnet.kind", "popnet.key", "mlflow.parentRunId"
PAGE = 100  # runs in memory at once, each with all its settings and scores
BATCH = {"metrics": 800, "params": 100}  # MLflow's limits: 1000 in all, tags included
THREADS = 3  # for a server: one computes while others wait.  SQLite takes one writer.
AT_ONCE = 48  # entries in memory

Placed = tuple[Entry, str | None]
"""An entry and the id of its parent's run."""


class Known(NamedTuple):
    """What is kept in memory of an MLflow run, however many there are."""

    run_id: str
    complete: str
    curves: str | None
    parent: str
    artifacts: str


class Writer:
    """Knows which runs an experiment has, and makes, fills and retires them."""

    def __init__(self, client: Client, experiment_id: str) -> None:
        """Ask once, for all of them, which runs the experiment has."""
        self.client, self.experiment_id = client, experiment_id
        self.surplus: list[str] = []
        self.known: dict[tuple[str, str], Known] = {}
        for found in self._search():
            tags = found.data.tags
            identity = tags.get(KIND, ""), tags.get(KEY, "")
            if not all(identity):
                continue  # somebody's own run in this experiment
            run = _known(found)
            twin = self.known.setdefault(identity, run)
            if twin is not run:
                # Two runs of one network: a server took one request twice.
                if run.complete and not twin.complete:
                    self.known[identity], run = run, twin
                self.surplus.append(run.run_id)

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

    def put_all(self, entries: Iterable[Placed]) -> Iterator[tuple[Entry, str]]:
        """Put entries that do not depend on each other, several at a time, in order.

        Gives each with what was done: created, completed or unchanged.
        """
        if self.client.sqlite:
            yield from ((entry, self.put(entry, up)[1]) for entry, up in entries)
            return
        left = iter(entries)
        with ThreadPoolExecutor(THREADS) as threads:
            while some := list(islice(left, AT_ONCE)):
                done = threads.map(lambda placed: self.put(*placed)[1], some)
                yield from zip((entry for entry, _ in some), done, strict=True)

    def put(self, entry: Entry, parent: str | None) -> tuple[str, str]:
        """Create, fill in or leave alone; the run's id and which of these it was."""
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
            if known.complete == digest and _proven(entry, known):
                return known.run_id, "unchanged"
            if known.curves != curves:
                # Before the points: if this process dies after them, they are known.
                self.client.set_tag(known.run_id, CURVES, curves)
            run = self.client.get_run(known.run_id)
        self._fill(entry, run, digest)
        return run.info.run_id, outcome

    def stand_in(self, kind: str, key: str, name: str, parent: str | None) -> str:
        """The id of a run that others hang on and that is filled in later."""
        known = self.known.get((kind, key))
        if known is None:
            entry = Entry(
                kind, key, name, 0, "RUNNING", {}, {}, {}, [], "", "", nothing
            )
            known = _known(self._create(entry, parent, ""))
            self.known[kind, key] = known
        return known.run_id

    def retire(self) -> int:
        """Delete (restorably) what the folder no longer has, and second twins."""
        leftovers = [*(known.run_id for known in self.known.values()), *self.surplus]
        for run_id in leftovers:
            self.client.delete_run(run_id)
        return len(leftovers)

    def _create(self, entry: Entry, parent: str | None, curves: str) -> "MlflowRun":
        """All that identifies a run is set in the one call that creates it."""
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
        """Put the artifacts where they belong, past MLflow where that is a folder."""
        place = _folder(run.info.artifact_uri or "")
        with tempfile.TemporaryDirectory() as scratch:
            for path, folder in entry.attach(Path(scratch)):
                if place is None:
                    self.client.log_artifact(run.info.run_id, str(path), folder)
                else:
                    target = place / (folder or "") / path.name
                    write_bytes(target, path.read_bytes())

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


def _known(run: "MlflowRun") -> Known:
    tags = run.data.tags
    return Known(
        run.info.run_id,
        tags.get(COMPLETE, ""),
        tags.get(CURVES),
        tags.get(PARENT, ""),
        run.info.artifact_uri or "",
    )


def _metrics(entry: Entry, run: "MlflowRun") -> "list[Metric]":
    """The metrics that the run lacks or has otherwise.

    Times are those of the run, so that a point logged again is the same row; a score
    that changed later is logged with the present time and becomes the latest.
    """
    from mlflow.entities import Metric

    has, began = run.data.metrics, run.info.start_time
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


def _folder(uri: str) -> Path | None:
    """The folder of artifacts that a file address names; None for other addresses."""
    place = urlsplit(uri)
    return Path(unquote(place.path)) if place.scheme == "file" else None


def _proven(entry: Entry, known: Known) -> bool:
    """Whether the artifact is still there, where that can be seen without asking."""
    place = _folder(known.artifacts)
    return not entry.proof or place is None or (place / entry.proof).is_file()
