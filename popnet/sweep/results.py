"""What is made of the records when all is done: tables, report, MLflow."""

from __future__ import annotations

from collections.abc import Callable

from popnet.records import Run
from popnet.records.fingerprint import fingerprint, forget, made_from, note_made
from popnet.records.view import write_view
from popnet.sweep import pending
from popnet.sweep.afterwards import metric_identity


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
