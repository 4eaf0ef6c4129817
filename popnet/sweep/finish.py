"""Makes tables, report and MLflow entries from the store when all work is done."""

from __future__ import annotations

from popnet.config.address import Address
from popnet.runs import Run
from popnet.runs.fingerprint import fingerprint, recorded_fingerprint
from popnet.sweep.progress import StageCallback


def finish(
    run: Run, tracking_uri: Address | None, on_stage: StageCallback
) -> list[str]:
    """Make tables, report and MLflow entries; returns notes for the user.

    Results that were made from the same records before, and are still on disk, are
    left alone.  ``on_stage`` is called at the start of each stage.
    """
    from popnet.report.results import make_results
    from popnet.tracking import TrackingError, is_filled, sync

    current = fingerprint(run)
    if recorded_fingerprint(run) != current:
        make_results(run, on_stage)
    on_stage("mlflow")
    try:
        if not is_filled(run, tracking_uri, current):
            sync(run, tracking_uri, lambda done, of: on_stage("mlflow", done, of))
    except TrackingError as error:
        return [str(error)]
    return []
