"""Makes tables, report and MLflow entries from the store when all work is done."""

from __future__ import annotations

from popnet.runs import Run
from popnet.runs.fingerprint import (
    clear_fingerprint,
    fingerprint,
    record_fingerprint,
    recorded_fingerprint,
)
from popnet.runs.tables import write_tables
from popnet.sweep.progress import StageCallback


def finish(run: Run, tracking_uri: str | None, on_stage: StageCallback) -> list[str]:
    """Make tables, report and MLflow entries; returns notes for the user.

    Results that were made from the same records before, and are still on disk, are
    left alone.  ``on_stage`` is called at the start of each stage.
    """
    from popnet.tracking import TrackingError, is_filled, sync

    current = fingerprint(run)
    if recorded_fingerprint(run) != current:
        _write_results(run, current, on_stage)
    on_stage("mlflow")
    try:
        if not is_filled(run, tracking_uri, current):
            sync(run, tracking_uri, lambda done, of: on_stage("mlflow", done, of))
    except TrackingError as error:
        return [str(error)]
    return []


def _write_results(run: Run, current: str, on_stage: StageCallback) -> None:
    """Write tables and report, and note that they are made from ``current``."""
    from popnet.report import write_report

    clear_fingerprint(run)
    on_stage("record")
    write_tables(run)
    on_stage("report")
    write_report(run)
    record_fingerprint(run, current)
