"""Compares the networks of a recorded run by any metrics, as a launch does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from popnet.catalogue import packages_of
from popnet.config import ConfigError, MetricSettings
from popnet.metrics import METRICS
from popnet.registry import SESSION, package_of
from popnet.runs import Run, writing
from popnet.runs.addresses import check_address
from popnet.runs.tables import comparison_rows
from popnet.sweep.interruption import Interruption
from popnet.sweep.progress import LaunchProgress, ProgressListener
from popnet.sweep.stages import joined
from popnet.work import pending
from popnet.work.comparison import prepared_kind
from popnet.work.nulls import nulls_of
from popnet.work.subject_pairs import heldout_errors

ALWAYS_FOR = "activity"
"""Where a run keeps this, the metrics that need nothing else are default ones."""


def default_metrics(run: Run) -> list[MetricSettings]:
    """Return the metrics of the run's sweep, and those of activity that it allows."""
    asked = list(run.sweep.after.compare)
    if keeps_activity(run):
        known = {metric.name for metric in asked}
        for name, entry in METRICS.items():
            own = entry.settings.needs == (ALWAYS_FOR,) and not entry.settings.certified
            if own and name not in known:
                asked.append(entry.settings.model_validate({"name": name}))
    return asked


def keeps_activity(run: Run) -> bool:
    """Return True when the mean activity of some networks of a run is recorded."""
    after = run.sweep.after
    return after.dynamics is not None and after.sample is not None


def with_nulls(metrics: Sequence[MetricSettings]) -> list[MetricSettings]:
    """Return the metrics, each followed by its nulls, every one once."""
    every = (m for one in metrics for m in (one, *nulls_of(one).values()))
    return list(dict.fromkeys(every))


def compare_run(
    run: Run,
    metrics: Sequence[MetricSettings],
    *,
    address: str | None = None,
    listen: ProgressListener = lambda _: None,
) -> pd.DataFrame:
    """Compute what is missing of these metrics; return the rows of all pairs.

    What is recorded is not computed again, so that a killed comparison continues, and
    one more network costs its own pairs alone.  The caller may hold the run's lock.
    Raises ConfigError when a metric reads what the run does not keep.
    """
    check_address(address)
    for metric in metrics:
        _refuse_unfit(run, metric)
    with writing(run.folder):
        run.store.refuse_unreadable()
        known = pending.statuses(run)
        if len(known) < 2:
            raise ConfigError(
                f"{run.folder}: {len(known)} networks are recorded, and two are "
                "compared at least; `popnet launch` trains them."
            )
        if pending.comparisons(run, known, metrics):
            _compute(run, known, metrics, address, listen)
        return comparison_rows(run, metrics)


def recorded_errors(
    run: Run, metrics: Sequence[MetricSettings]
) -> dict[MetricSettings, dict[str, float]]:
    """Return the held-out errors of the models that metrics fitted, by network key.

    Those of the networks that are prepared; metrics that fit no model are left out.
    Raises StoreError when a file is damaged.
    """
    keys = [network.key for network in run.networks]
    return {
        metric: heldout_errors(
            metric, run.store.many_tensors(keys, "prepared", prepared_kind(metric))
        )
        for metric in metrics
        if metric.fitted
    }


def _refuse_unfit(run: Run, metric: MetricSettings) -> None:
    if "activity" in metric.needs and not keeps_activity(run):
        raise ConfigError(
            f"{run.folder}: {metric.name!r} compares activity, which a run keeps only "
            "where after.sample and after.dynamics are given (sample: 5, dynamics: [])."
        )
    if package_of(type(metric)) == SESSION:
        raise ConfigError(
            f"{metric.name!r} was registered for this session, and pairs are compared "
            "in other processes; put it into a package."
        )


def _compute(
    run: Run,
    known: dict[str, str],
    metrics: Sequence[MetricSettings],
    address: str | None,
    listen: ProgressListener,
) -> None:
    """Prepare networks and compare pairs on Ray, in blocks."""
    counts = dict(Counter(known.values()))

    def report(stage: str, done: int = 0, jobs: int = 0) -> None:
        listen(LaunchProgress(stage, len(known), counts, 0, done, jobs))

    machine = run.sweep.machine.model_copy(update={"device": "cpu", "workers": None})
    packages = packages_of(run.plan, metrics)
    interruption = Interruption()
    report("start")
    with joined(
        address, machine, [run.store.backend], interruption, listen, packages
    ) as resources:
        from popnet.sweep.ray_tasks import FollowUpTasks

        tasks = FollowUpTasks(run, cpus=1, at_once=resources.cpus, metrics=metrics)
        tasks.prepare(known)
        tasks.wait(lambda done, jobs: report("prepare", done, jobs))
        tasks.compare(known)
        tasks.wait(lambda done, jobs: report("compare", done, jobs))
    report("done")
