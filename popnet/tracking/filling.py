"""Fills MLflow from a recorded run: idempotent, and complete after any interruption.

The run's folder is the source of truth and MLflow a copy of it to browse. Every MLflow
run carries `popnet.complete`, a hash of all that was written, set last: what lacks it,
or has another one, is filled in; what has it is left alone. The sweep's run carries
`popnet.made`, set last of all: the fingerprint of what the whole was made from.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from popnet.runs.fingerprint import made_from
from popnet.tracking.client import (
    Client,
    TrackingError,
    analyse,
    embedded_uri,
    locked,
    open_experiment,
    plain_errors,
    prepare,
    quiet_mlflow,
)
from popnet.tracking.entries import (
    SCORES,
    Entry,
    condition_entries,
    network_entries,
    sweep_entry,
)
from popnet.tracking.links import page, serve_command, view_tags
from popnet.tracking.writer import KIND, Writer

if TYPE_CHECKING:
    from popnet.runs import Run
    from popnet.runs.tables import Rows

__all__ = ["Filler", "SyncReport", "TrackingError", "is_filled", "page"]
__all__ += ["serve_command", "sync"]

MADE = "popnet.made"


class SyncReport(NamedTuple):
    """What a sync found and did; the counts are of networks."""

    experiment: str
    experiment_id: str
    tracking_uri: str
    created: int
    completed: int  # were there, but not whole or out of date
    unchanged: int
    retired: int  # MLflow runs of any kind that the sweep no longer has; restorable


class _Door(NamedTuple):
    """A way into MLflow that is open to one process at a time."""

    client: Client
    uri: str
    before: str
    """Who came through before; see ``_door``."""


@contextmanager
def _door(run: "Run", tracking_uri: str | None, who: str) -> Iterator[_Door]:
    """Hold the run's lock and MLflow's ear.  Raises TrackingError.

    `who` is remembered beside the lock, so that the next one knows whether anybody
    else has been here since its own last time.
    """
    embedded = tracking_uri is None
    uri = tracking_uri or embedded_uri(run.out)
    with quiet_mlflow(uri), locked(run.folder / ".sync.lock"):
        last = run.folder / ".sync.last"
        before = last.read_text() if last.is_file() else ""
        last.write_text(who)
        with plain_errors(uri, str(run.folder), embedded):
            prepare(uri, run.out.resolve() / "artifacts")
        yield _Door(Client(uri, str(run.folder), embedded), uri, before)


def sync(
    run: "Run",
    tracking_uri: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> SyncReport:
    """Make MLflow say what the run's folder says, and nothing twice.

    `tracking_uri`: a server or database; by default the embedded SQLite store beside
    the runs. `on_progress(done, total)` counts networks. Raises TrackingError.
    """
    with _door(run, tracking_uri, uuid.uuid4().hex) as door:
        # Of the tables that lie here now, not of a store that may hold more.
        made = made_from(run)
        experiment_id, experiment = open_experiment(door.client, run, door.uri)
        writer = Writer(door.client, experiment_id)
        _unmake(writer, run)
        sweep, counts = _write(run, writer, on_progress)
        retired = writer.retire()
        with plain_errors(door.uri, str(run.folder), tracking_uri is None):
            analyse(door.uri)
        if made:
            door.client.set_tag(sweep, MADE, made)
        return SyncReport(
            experiment, experiment_id, door.uri, **counts, retired=retired
        )


def is_filled(run: "Run", tracking_uri: str | None, fingerprint: str) -> bool:
    """Whether a sync from this fingerprint came to its end; one question, not 3,400.

    What was deleted by hand in MLflow since is not seen: `sync` looks at every run.
    """
    if tracking_uri is None and not (run.out / "mlflow.db").exists():
        return False
    with _door(run, tracking_uri, uuid.uuid4().hex) as door:
        experiment_id, _ = open_experiment(door.client, run, door.uri)
        wanted = f"tags.`{KIND}` = 'sweep' and tags.`{MADE}` = '{fingerprint}'"
        return bool(door.client.search_runs([experiment_id], wanted, max_results=1))


class Filler:
    """Fills MLflow with some networks at a time, while others still train.

    `sync` completes what is begun here: sweep and conditions are made only so far that
    networks can hang on them.
    """

    def __init__(self, run: "Run", tracking_uri: str | None) -> None:
        self.run, self.tracking_uri = run, tracking_uri
        self.who = uuid.uuid4().hex
        self.writer: Writer | None = None

    def fill(self, rows: "Rows") -> int:
        """Put these networks into MLflow; how many were not whole there already.

        Raises TrackingError; MLflow is then asked anew what it has, next time: a
        server may have done what it could not answer any more.
        """
        writer, self.writer = self.writer, None
        with _door(self.run, self.tracking_uri, self.who) as door:
            if writer is None or door.before != self.who:
                experiment_id, _ = open_experiment(door.client, self.run, door.uri)
                writer = Writer(door.client, experiment_id)
                _unmake(writer, self.run)
            sweep = writer.stand_in("sweep", self.run.name, self.run.name, None)
            table = rows.networks
            labels = dict(zip(table["condition"], table["label"], strict=True))
            parents = {
                key: writer.stand_in("condition", key, label or "all networks", sweep)
                for key, label in labels.items()
            }
            done = writer.put_all(_placed(network_entries(self.run, *rows), parents))
            changed = sum(outcome != "unchanged" for _, outcome in done)
        self.writer = writer
        return changed


def _placed(
    entries: Iterable[Entry], parents: dict[str, str]
) -> Iterator[tuple[Entry, str]]:
    return ((entry, parents[entry.tags["popnet.condition"]]) for entry in entries)


def _unmake(writer: Writer, run: "Run") -> None:
    """Before anything changes: what is there is no more the whole of anything."""
    known = writer.known.get(("sweep", run.name))
    if known is not None:
        writer.client.set_tag(known.run_id, MADE, "")


def _write(
    run: "Run", writer: Writer, on_progress: Callable[[int, int], None] | None
) -> tuple[str, dict[str, int]]:
    table, curves = run.table(), run.curves()
    sweep, _ = writer.put(sweep_entry(run, table), parent=None)
    parents = {
        entry.key: writer.put(entry, sweep)[0]
        for entry in condition_entries(run, table, curves)
    }
    counts = {"created": 0, "completed": 0, "unchanged": 0}
    scores = set()
    entries = network_entries(run, table, curves, run.evaluations())
    done = writer.put_all(_placed(entries, parents))
    for number, (entry, outcome) in enumerate(done, 1):
        counts[outcome] += 1
        scores |= set(entry.scores)
        if on_progress is not None:
            on_progress(number, len(table))
    varied = [name for name in run.varied if name in table]
    shown = [name for name in SCORES if name in scores]
    shown += sorted(scores - set(SCORES))
    writer.tag(view_tags(varied[0] if varied else "", varied, shown))
    return sweep, counts
