"""Makes a run's tables and report from its store, and notes what they are made from."""

from collections.abc import Callable
from pathlib import Path

from popnet.runs import Run
from popnet.runs.fingerprint import clear_fingerprint, fingerprint, record_fingerprint
from popnet.runs.tables import write_tables


def make_results(run: Run, on_stage: Callable[[str], object] | None = None) -> Path:
    """Write the tables and the report of a run; return the report's path.

    ``on_stage`` is called with "record" before the tables and "report" before the
    report.  The caller holds the run's lock.
    """
    from popnet.report import write_report  # matplotlib is not needed for the tables

    say = on_stage or (lambda _: None)
    current = fingerprint(run)
    clear_fingerprint(run)
    say("record")
    write_tables(run)
    say("report")
    page = write_report(run)
    record_fingerprint(run, current)
    return page
