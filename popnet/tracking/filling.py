"""Fills MLflow from a recorded run; a sync may be repeated, also after interruptions.

The run's folder is the source of truth, and MLflow is a copy of it for browsing.  Every
MLflow run has the tag ``popnet.complete``, a hash of all that was written, which is set
last: a run without this hash is filled in, a run with it is left alone.  The sweep's
run has the tag ``popnet.made``, set last of all: the fingerprint of the tables.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from popnet.config.address import Address
from popnet.runs.fingerprint import recorded_fingerprint
from popnet.tracking.claim import claim, filling
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
    """The result of a sync; the counts are numbers of networks."""

    experiment: str
    experiment_id: str
    tracking_uri: Address
    created: int
    completed: int  # existed, but were incomplete or out of date
    unchanged: int
    retired: int  # deleted (restorably): MLflow runs that the sweep no longer has


class _Session(NamedTuple):
    """A connection to MLflow, held by one process at a time."""

    client: Client
    address: Address
    previous_writer: str
    """Id of the writer that held the connection before; "" for the first one."""


@contextmanager
def _locked_session(
    run: "Run", tracking_uri: Address | str | None, writer_id: str
) -> Iterator[_Session]:
    """Take the run's lock and open an MLflow client.  Raises TrackingError.

    ``writer_id`` is written beside the lock, so that a writer knows whether another
    one has filled MLflow since its own last session.
    """
    embedded = tracking_uri is None
    address = Address.of(tracking_uri or embedded_uri(run.out))
    with quiet_mlflow(address), locked(run.folder / ".sync.lock"):
        last = run.folder / ".sync.last"
        previous = last.read_text() if last.is_file() else ""
        last.write_text(writer_id)
        with plain_errors(address, str(run.folder), embedded):
            prepare(address, run.out.resolve() / "artifacts")
        yield _Session(Client(address, str(run.folder), embedded), address, previous)


def get_ready(run: "Run", tracking_uri: Address | str | None) -> None:
    """Import MLflow and create a missing embedded store: ``sync`` is seconds faster.

    What goes wrong is for ``sync`` to tell.
    """
    with suppress(Exception):
        address = Address.of(tracking_uri or embedded_uri(run.out))
        with quiet_mlflow(address):
            if tracking_uri is None:
                prepare(address, run.out.resolve() / "artifacts")


def sync(
    run: "Run",
    tracking_uri: Address | str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> SyncReport:
    """Write the run's folder to MLflow; what MLflow already has is left alone.

    ``tracking_uri`` is a server or database; by default it is the embedded SQLite store
    beside the runs.  ``on_progress(done, total)`` is called with numbers of networks.
    Raises TrackingError when MLflow cannot be filled.
    """
    with _locked_session(run, tracking_uri, uuid.uuid4().hex) as session:
        # the fingerprint of the tables in the folder; the store may hold more by now
        made = recorded_fingerprint(run)
        experiment_id, experiment = open_experiment(
            session.client, run, session.address
        )
        with filling(session.client, experiment_id, run.folder):
            writer = Writer(session.client, experiment_id)
            _mark_incomplete(writer, run)
            sweep, counts = _write(run, writer, on_progress)
            retired = writer.retire()
            with plain_errors(session.address, str(run.folder), tracking_uri is None):
                analyse(session.address)
            if made:
                session.client.set_tag(sweep, MADE, made)
        return SyncReport(
            experiment, experiment_id, session.address, **counts, retired=retired
        )


def is_filled(run: "Run", tracking_uri: Address | str | None, fingerprint: str) -> bool:
    """Return True when a sync from this fingerprint was completed.

    This takes one request, however many networks there are.  MLflow runs that somebody
    deleted since are not noticed; ``sync`` looks at every run.
    """
    if tracking_uri is None and not (run.out / "mlflow.db").exists():
        return False
    with _locked_session(run, tracking_uri, uuid.uuid4().hex) as session:
        experiment_id, _ = open_experiment(session.client, run, session.address)
        wanted = f"tags.`{KIND}` = 'sweep' and tags.`{MADE}` = '{fingerprint}'"
        return bool(session.client.search_runs([experiment_id], wanted, max_results=1))


class Filler:
    """Fills MLflow with the networks that are finished, while others still train.

    The sweep's and the conditions' runs are created as parents of the networks' runs
    and left unfilled; ``sync`` completes them.
    """

    def __init__(self, run: "Run", tracking_uri: Address | str | None) -> None:
        self.run, self.tracking_uri = run, tracking_uri
        self.writer_id = uuid.uuid4().hex
        self.writer: Writer | None = None
        self.experiment = ""

    def fill(self, rows: "Rows") -> int:
        """Put networks into MLflow; return how many were not complete there before.

        Raises TrackingError.  The next call then asks MLflow again which runs it has: a
        server may have carried out a request although its answer was lost.
        """
        writer, self.writer = self.writer, None
        with _locked_session(self.run, self.tracking_uri, self.writer_id) as session:
            if writer is None or session.previous_writer != self.writer_id:
                experiment_id, _ = open_experiment(
                    session.client, self.run, session.address
                )
                self.experiment = experiment_id
                claim(session.client, experiment_id, self.run.folder)
                writer = Writer(session.client, experiment_id)
                _mark_incomplete(writer, self.run)
            else:
                claim(session.client, self.experiment, self.run.folder)
            sweep = writer.placeholder("sweep", self.run.name, self.run.name, None)
            table = rows.networks
            labels = dict(zip(table["condition"], table["label"], strict=True))
            parents = {
                key: writer.placeholder(
                    "condition", key, label or "all networks", sweep
                )
                for key, label in labels.items()
            }
            entries = network_entries(self.run, *rows)
            done = writer.put_all(_with_parents(entries, parents))
            changed = sum(outcome != "unchanged" for _, outcome in done)
        self.writer = writer
        return changed


def _with_parents(
    entries: Iterable[Entry], parents: dict[str, str]
) -> Iterator[tuple[Entry, str]]:
    return ((entry, parents[entry.tags["popnet.condition"]]) for entry in entries)


def _mark_incomplete(writer: Writer, run: "Run") -> None:
    """Clear the sweep's ``popnet.made`` before anything in MLflow changes."""
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
    done = writer.put_all(_with_parents(entries, parents))
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
