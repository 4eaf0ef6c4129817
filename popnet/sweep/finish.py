"""What is made of the records when all is done: tables, report, MLflow."""

from __future__ import annotations

from collections.abc import Callable

from popnet.runs import Run
from popnet.runs.fingerprint import fingerprint, forget, made_from, note_made
from popnet.runs.tables import write_tables


def finish(run: Run, tracking_uri: str | None, say: Callable[..., None]) -> list[str]:
    """Tables, report and MLflow from what is on disk; returns notes.

    What was made from the same records before, and still lies there, is left alone.
    """
    from popnet.tracking import TrackingError, is_filled, sync

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
    write_tables(run)
    say("report")
    write_report(run)
    note_made(run, made)
