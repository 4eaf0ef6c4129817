"""Scores a condition by the median over its networks, read from their curves.

A score is a function of what is recorded of the networks alone, so that a search that
was killed, or finds networks that another sweep trained, gets the same scores.
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
"""The score of a network that has diverged; no error counts as a larger one."""
DEFAULT_WINDOW = 100
"""Trials that a score is the mean over, when no criterion has a window."""


class CurveSoFar(NamedTuple):
    """A network's learning curve so far."""

    trial_C: NDArray[np.int64]
    """The trial with which each point of the curve ends."""
    error_C: Array
    accuracy_C: Array
    trials: int
    status: str
    """The status with which it ended; "" while it trains."""


class Score(NamedTuple):
    """The score of a condition."""

    median: float
    low: float
    high: float
    """The quartiles over the networks."""


def ended_curve(trained: Trained) -> CurveSoFar:
    """Return the curve of a network that has ended."""
    points = trained.curve_trial_C, trained.curve_error_C, trained.curve_accuracy_C
    return CurveSoFar(*points, trained.trials, trained.status.value)


def curves_in_training(populations: Iterable[Population]) -> dict[str, CurveSoFar]:
    """Return the curves of networks in training, by key."""
    return {
        member.key: CurveSoFar(*curve(p, i), int(p.progress.trial_P[i]), "")
        for p in populations
        for i, member in enumerate(p.members)
    }


def recorded_curves(store: Store, keys: Iterable[str]) -> dict[str, CurveSoFar]:
    """Return the curves of networks that are recorded, by key."""
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
    curves: Sequence[CurveSoFar], config: NetworkConfig, trials: int, metric: str
) -> Score:
    """Return median and quartiles of the networks' scores after so many trials."""
    each = [network_score(curve, config, trials, metric) for curve in curves]
    low, median, high = np.quantile(each, [0.25, 0.5, 0.75])
    return Score(float(median), float(low), float(high))


def network_score(
    curve: CurveSoFar, config: NetworkConfig, trials: int, metric: str
) -> float:
    """Return a network's score: the mean over the last window of so many trials.

    It is the mean over the points of the curve that begin within the window, at least
    over the last point.  A network that ended before has its last score, a diverged
    network the worst one.
    """
    worst = WORST[metric]
    over = bool(curve.status) and curve.trials <= trials
    if over and curve.status == Status.DIVERGED:
        return worst
    every, until = config.train.curve_every, config.train.until
    ends = curve.trial_C
    whole = ends <= trials
    if not over:  # its last point may not be full yet
        whole &= ends % every == 0
    ends = ends[whole]
    if not len(ends):
        return worst
    values = curve.error_C if metric == "error" else curve.accuracy_C
    begins = np.concatenate([[0], ends[:-1]])
    inside = begins >= ends[-1] - (until.window if until else DEFAULT_WINDOW)
    inside[-1] = True
    mean = np.average(values[whole][inside], weights=(ends - begins)[inside])
    if not np.isfinite(mean):
        return worst
    return float(min(mean, worst) if metric == "error" else mean)
