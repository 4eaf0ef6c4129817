"""Makes the tables of a run from what its store holds."""

from __future__ import annotations

from popnet.runs import Run
from popnet.runs.tables import write_view
from popnet.work import pending
from popnet.work.comparison import metric_identity


def write_tables(run: Run) -> None:
    """Write the run's tables from the store."""
    metrics = [metric_identity(m) for m in run.sweep.after.compare]
    write_view(run, pending.tests(run).asked, metrics)
