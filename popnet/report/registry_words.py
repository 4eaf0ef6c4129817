"""Looks up in the registries what the names in a run's tables mean.

A name that no registry has, from a newer popnet or an older one, means the default.
"""

from popnet.metrics import METRICS
from popnet.perturbations import PERTURBATIONS
from popnet.tasks import TASKS


def level_title(perturbation: str) -> str:
    """The title of an axis of this perturbation's levels, with its unit."""
    entry = PERTURBATIONS.get(perturbation)
    return (entry.settings.unit if entry else "") or "level"


def chance(task: str) -> float:
    """The accuracy of a network that guesses on this task."""
    entry = TASKS.get(task)
    return entry.settings.chance if entry else 0.5


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
