"""Checks a loaded sweep as a whole: each section against every condition.

A settings class checks its own section.  This module checks what needs several sections
or something outside the file: other tasks, perturbations, files and packages.
"""

from __future__ import annotations

import importlib.util

from popnet.config.after import (
    After,
    MeasureSettings,
    MetricSettings,
    PerturbationSettings,
)
from popnet.config.entries import TaskSettings
from popnet.config.loaded import LoadedSweep
from popnet.config.network_config import NetworkConfig, whole_steps
from popnet.config.reading import Place, Source
from popnet.config.schema import Sweep
from popnet.config.searching import Optuna
from popnet.config.settings import Inconsistent


def check(loaded: LoadedSweep, source: Source) -> None:
    """Check other tasks, perturbations, metrics, impulses against every condition.

    Raises ConfigError, naming file, line and key, for another input layout, a duration
    that is no whole number of steps, an epoch that a task does not have, more than one
    impulse per step, or a file or package that is missing or has changed.
    """
    after = loaded.sweep.after
    _check_searcher(loaded.sweep, source)
    for i, other in enumerate(after.other_tasks):
        _check_sources(source, ("after", "other_tasks", i), other)
    for i, metric in enumerate(after.compare):
        _check_metric(source, ("after", "compare", i), after, metric)
    for i, measure in enumerate(after.measures):
        _check_measure(source, ("after", "measures", i), after, measure)
    for key, graded in (("perturb", after.perturb), ("dynamics", after.dynamics or ())):
        for i, settings in enumerate(graded):
            _check_idle(source, ("after", key, i), loaded, settings)
    for condition in (*loaded.conditions, *loaded.corners):
        config = condition.config
        _check_sources(source, ("task",), config.task)
        for i, other in enumerate(after.other_tasks):
            _check_task(source, ("after", "other_tasks", i), config, other)
        for i, measure in enumerate(after.measures):
            _check_evidence(source, ("after", "measures", i), config, measure)
        for i, settings in enumerate(after.perturb):
            _check_perturbation(source, ("after", "perturb", i), config, settings)
        for i, settings in enumerate(after.dynamics or ()):
            _check_perturbation(source, ("after", "dynamics", i), config, settings)
        impulses, dt_s = config.rule.impulses, config.network.dt_s
        slot_s = dt_s / impulses.slots(dt_s)
        if impulses.rate_hz * slot_s > 1:
            raise source.error(
                ("rule",),
                f"impulses at {impulses.rate_hz:g} Hz are more than one per "
                f"{slot_s:g} s; at most {1 / slot_s:g} Hz.",
            )


def _check_searcher(sweep: Sweep, source: Source) -> None:
    search = sweep.search
    wanted = search is not None and isinstance(search.searcher, Optuna)
    if wanted and importlib.util.find_spec("optuna") is None:
        raise source.error(
            ("search", "searcher"),
            "optuna is not installed; pip install 'popnet[search]'",
        )


def _check_sources(source: Source, place: Place, task: TaskSettings) -> None:
    try:
        task.check_sources()
    except Inconsistent as error:
        raise source.error((*place, error.path), str(error)) from None


def _check_metric(
    source: Source, place: Place, after: After, metric: MetricSettings
) -> None:
    if "activity" in metric.needs and (after.dynamics is None or after.sample is None):
        raise source.error(
            place,
            f"{metric.name!r} compares activity, which is kept only where after.sample "
            "and after.dynamics are given (sample: 5, dynamics: []).",
        )


def _check_measure(
    source: Source, place: Place, after: After, measure: MeasureSettings
) -> None:
    if measure.of_activity() and after.dynamics is None:
        raise source.error(
            place,
            f"{measure.name!r} is measured of activity, which is recorded only where "
            "after.dynamics is given (dynamics: []).",
        )
    given = measure.model_dump(exclude={"name"}, exclude_defaults=True)
    if measure.always and not given:
        of = "measured activity" if measure.of_activity() else "network"
        raise source.error(
            place, f"{measure.name!r} is recorded of every {of} without being asked."
        )


def _check_evidence(
    source: Source, place: Place, config: NetworkConfig, measure: MeasureSettings
) -> None:
    if measure.needs == "choices" and config.task.strengths is None:
        raise source.error(
            place,
            f"{measure.name!r} is measured of decisions on graded evidence, and task "
            f"{config.task.name!r} has none; use another task, such as random_dots, or "
            "leave it out.",
        )


def _check_task(
    source: Source, place: Place, config: NetworkConfig, other: TaskSettings
) -> None:
    task, dt_s = config.task, config.network.dt_s
    if (other.inputs, other.outputs) != (task.inputs, task.outputs):
        raise source.error(
            place,
            f"{other.name!r} has {other.inputs} inputs and {other.outputs} outputs, "
            f"{task.name!r} has {task.inputs} and {task.outputs}; a network cannot be "
            "moved between them unchanged.",
        )
    for epoch, duration in other.epochs_s.items():
        if not whole_steps(duration, dt_s):
            raise source.error(
                place,
                f"epoch {epoch} of {duration:g} s is not a whole number of steps "
                f"dt_s = {dt_s:g} s.",
            )


def _check_idle(
    source: Source, place: Place, loaded: LoadedSweep, settings: PerturbationSettings
) -> None:
    """Refuse a perturbation that changes no network of any condition."""
    conditions = (*loaded.conditions, *loaded.corners)
    reasons = [settings.idle(condition.config) for condition in conditions]
    if all(reason is not None for reason in reasons):
        raise source.error(
            place, f"{settings.name!r} changes no network: {reasons[0]}; leave it out."
        )


def _check_perturbation(
    source: Source, place: Place, config: NetworkConfig, settings: PerturbationSettings
) -> None:
    refused = settings.refuse(config)
    if refused is not None:
        field, _, reason = refused.partition(": ")
        raise source.error((*place, field), reason)
