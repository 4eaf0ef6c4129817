"""How good a condition is: the median over its networks, read from their curves.

A score is a function of what is recorded of the networks alone, so that a search that
was killed, or finds networks that another sweep trained, sees the same scores.
C points of a curve.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.config import NetworkConfig
from popnet.engine.population import Population
from popnet.engine.trained import Trained, curve
from popnet.status import Status
from popnet.store.store import Store

Array = NDArray[np.float64]
WORST = {"accuracy": 0.0, "error": 1e6}
"""What a network that has diverged counts as; no error counts as a larger one."""
STANDING = 100
"""Trials that a score is over where no criterion has a window."""


class CurveSoFar(NamedTuple):
    """A network's training so far."""

    trial_C: NDArray[np.int64]
    """Where each point of its curve ends."""
    error_C: Array
    accuracy_C: Array
    trials: int
    status: str
    """How it ended; "" while it trains."""


class Score(NamedTuple):
    """The score of a condition."""

    median: float
    low: float
    high: float
    """Its quartiles over the networks."""


def ended(trained: Trained) -> CurveSoFar:
    """The course of a network that has ended."""
    curve = trained.curve_trial_C, trained.curve_error_C, trained.curve_accuracy_C
    return CurveSoFar(*curve, trained.trials, trained.status.value)


def going(populations: Iterable[Population]) -> dict[str, CurveSoFar]:
    """The courses of networks in training, by key."""
    return {
        member.key: CurveSoFar(*curve(p, i), int(p.progress.trial_P[i]), "")
        for p in populations
        for i, member in enumerate(p.members)
    }


def recorded_courses(store: Store, keys: Iterable[str]) -> dict[str, CurveSoFar]:
    """The courses of networks that are recorded, by key."""
    wanted = set(keys)
    rows = store.table("networks", "networks", "key", wanted)
    if rows is None:
        return {}
    curves: dict[str, list[tuple[int, float, float]]] = {}
    points = store.table("networks", "curves", "key", wanted)
    if points is not None:
        columns = (points[c].to_pylist() for c in ("key", "trial", "error", "accuracy"))
        for key, *point in zip(*columns, strict=True):
            curves.setdefault(key, []).append(tuple(point))
    found = {}
    columns = (rows[c].to_pylist() for c in ("key", "trials", "status"))
    for key, trials, status in zip(*columns, strict=True):
        whole = np.array(sorted(curves.get(key, [])), dtype=float).reshape(-1, 3)
        ends, errors, accuracies = whole.T
        found[key] = CurveSoFar(ends.astype(int), errors, accuracies, trials, status)
    return found


def score(
    courses: Sequence[CurveSoFar], config: NetworkConfig, trials: int, metric: str
) -> Score:
    """Median and quartiles of the networks' scores after so many trials."""
    each = [standing(course, config, trials, metric) for course in courses]
    low, median, high = np.quantile(each, [0.25, 0.5, 0.75])
    return Score(float(median), float(low), float(high))


def standing(
    course: CurveSoFar, config: NetworkConfig, trials: int, metric: str
) -> float:
    """A network's score after so many trials: its mean over the last window of them.

    Of its curve, the points that begin within the window, at least the last one.  A
    network that ended before counts with its last value, a diverged one as the worst.
    """
    worst = WORST[metric]
    over = bool(course.status) and course.trials <= trials
    if over and course.status == Status.DIVERGED:
        return worst
    every, until = config.train.curve_every, config.train.until
    ends = course.trial_C
    whole = ends <= trials
    if not over:  # its last point may not be full yet
        whole &= ends % every == 0
    ends = ends[whole]
    if not len(ends):
        return worst
    values = course.error_C if metric == "error" else course.accuracy_C
    begins = np.concatenate([[0], ends[:-1]])
    inside = begins >= ends[-1] - (until.window if until else STANDING)
    inside[-1] = True
    mean = np.average(values[whole][inside], weights=(ends - begins)[inside])
    if not np.isfinite(mean):
        return worst
    return float(min(mean, worst) if metric == "error" else mean)
