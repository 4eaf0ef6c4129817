"""Looks up in the registries what the names in a run's tables mean.

A name that no registry has, or settings that it does not have, from a newer popnet or
an older one, means the default.
"""

import json
from collections.abc import Hashable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from pydantic import ValidationError

from popnet.config import ConfigError, TaskSettings
from popnet.metrics import METRICS
from popnet.perturbations import PERTURBATIONS
from popnet.tasks import TASKS

TASK = "task."
"""Begins the names of the columns of ``networks`` with a setting of the task."""


def level_title(perturbation: str) -> str:
    """The title of an axis of this perturbation's levels, with its unit."""
    entry = PERTURBATIONS.get(perturbation)
    return (entry.settings.unit if entry else "") or "level"


@cache
def task_of(name: str, settings: str = "{}") -> TaskSettings | None:
    """The task of this name, with these settings, as JSON, that are not the defaults.

    None where there is no such task, or it has no such settings.
    """
    with suppress(ValidationError, ConfigError, ValueError, TypeError, AttributeError):
        entry = TASKS.get(name)
        if entry is None:
            return None
        fields = entry.settings.model_fields.items()
        # all of them, so that none is looked up in a file or a package
        filled = {k: info.default for k, info in fields if not info.is_required()}
        given = {**filled, **json.loads(settings)}
        return entry.settings.model_validate(given, strict=False)
    return None


def own_task(row: Mapping[Hashable, Any]) -> TaskSettings | None:
    """The task that the network of this row of the table ``networks`` learned."""
    given: dict[str, Any] = {}
    for column, value in row.items():
        path = str(column).removeprefix(TASK)
        if path == str(column) or value is None or value != value:  # null is NaN
            continue
        *sections, last = path.split(".")
        inside = given
        for section in sections:
            inside = inside.setdefault(section, {})
        inside[last] = _plain(value)
    name = str(given.pop("name", ""))
    return task_of(name, json.dumps(given, sort_keys=True))


def _plain(value: Any) -> Any:
    """A cell as JSON has it: tables hold lists and tables as JSON."""
    if not isinstance(value, str):
        return value.item() if hasattr(value, "item") else value
    with suppress(ValueError):
        return json.loads(value) if value[:1] in ("[", "{") else value
    return value


def chance(task: TaskSettings | None) -> float:
    """The accuracy of a network that guesses on this task."""
    return task.chance if task else 0.5


def memoryless_score(task: TaskSettings | None) -> float | None:
    """The best accuracy on this task without a memory, where that is above chance."""
    score = task.memoryless_score if task else None
    return score if score is not None and score > chance(task) + 1e-9 else None


def error_of(tasks: set[str]) -> str:
    """The formula whose mean is the error of these tasks."""
    kinds = {
        entry.settings.error if (entry := TASKS.get(task)) else "absolute"
        for task in tasks
    }
    if kinds == {"squared"}:
        return "mean (output \N{MINUS SIGN} target)²"
    absolute = "mean |output \N{MINUS SIGN} target|"
    return absolute if kinds <= {"absolute"} else f"{absolute}, or its square by task"


def metric_kind(metric: str) -> str:
    """The kind of this metric: "distance" or "similarity"."""
    entry = METRICS.get(metric)
    return entry.settings.kind if entry else "distance"
