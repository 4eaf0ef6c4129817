"""Scores and settings of networks as MLflow takes them: finite numbers and texts."""

import json
import math
import re
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from popnet.analysis.trials_to_criterion import allowed, trials_or_cap, trials_quantiles
from popnet.runs.columns import asked_columns
from popnet.runs.labels import labels
from popnet.status import Status

if TYPE_CHECKING:
    from popnet.runs import Run

STATUSES = (
    Status.CONVERGED,
    Status.TRAINED,
    Status.UNCONVERGED,
    Status.DIVERGED,
    Status.STOPPED,
)
LONGEST_PARAM = 6000  # MLflow's limit


def counts(rows: pd.DataFrame) -> dict[str, float]:
    """Return the number of networks, in all and by status."""
    statuses = list(rows["status"]) if len(rows) else []
    known = [s for s in STATUSES if s != Status.STOPPED or s in statuses]
    return {"networks": len(statuses), **{s: statuses.count(s) for s in known}}


def median_of(values: Iterable[Any]) -> float | None:
    """Return the median of the finite values; None when there are none."""
    known = [float(v) for v in values if not missing(v) and math.isfinite(v)]
    return median(known) if known else None


def median_trials_to_criterion(rows: pd.DataFrame) -> float:
    """Return the median trials to criterion; NaN when there was no criterion.

    A network that failed counts with its cap, ``train.trials``.
    """
    met = rows["trials_to_criterion"].astype("Float64").to_numpy(float, na_value=np.nan)
    cap = allowed(rows["status"], rows["trials"], rows["train.trials"])
    needed = trials_or_cap(rows["status"], met, cap)
    return trials_quantiles(needed, [0.5])[0].trials


def asked_scores(run: "Run") -> dict[str, str]:
    """Return, by score, the table columns of the measures that the sweep asks for."""
    columns = asked_columns(run.sweep.after, "networks")
    return {metric_name(column): column for column in columns}


def evaluation_scores(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return each network's accuracy on each task and mean loss under perturbations."""
    tasks, rest, moved = defaultdict(list), defaultdict(list), defaultdict(list)
    columns = ("key", "kind", "level", "accuracy")
    rows = zip(labels(table), *(table[c] for c in columns), strict=True)
    for name, key, kind, level, accuracy in rows:
        if missing(accuracy):
            continue
        if kind == "task":
            tasks[key, name].append(accuracy)
        elif kind == "perturbation":
            (rest if level == 0 else moved)[key, name].append(accuracy)
    scores: dict[str, dict[str, float]] = defaultdict(dict)
    for (key, name), values in tasks.items():
        scores[key][metric_name(f"task.{name}")] = fmean(values)
    for (key, name), values in moved.items():
        if (key, name) in rest:
            drop = fmean(rest[key, name]) - fmean(values)
            scores[key][metric_name(f"drop.{name}")] = drop
    return scores


def metric_name(name: str) -> str:
    """Return the nearest name that MLflow accepts on every operating system."""
    return re.sub(r"[^\w.\-]+", "_", name).strip("_")[:250]


def settings_of(row: Mapping[Hashable, Any]) -> dict[str, Any]:
    """Return a network's settings: the columns whose name is a dotted path.

    A measure's label, such as "residual(last=0.5)", is not a setting.
    """
    return {
        str(name): _plain(value)
        for name, value in row.items()
        if "." in str(name) and "(" not in str(name) and not missing(value)
    }


def _plain(value: Any) -> Any:
    """Return a setting as it was given: 200.0 in a column of floats becomes 200."""
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return int(value)
    return value


def missing(value: Any) -> bool:
    """Return True for None and for a NaN or NA scalar."""
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def param_text(value: object) -> str:
    """Return a setting as text for MLflow, cut to its limit."""
    text = json.dumps(value) if isinstance(value, list | dict) else str(value)
    return text if len(text) <= LONGEST_PARAM else text[: LONGEST_PARAM - 3] + "..."


def finite(scores: Mapping[str, Any]) -> dict[str, float]:
    """Return the scores that are finite numbers."""
    numbers = {k: float(v) for k, v in scores.items() if not missing(v)}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}
