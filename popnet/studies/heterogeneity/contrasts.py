"""Contrasts over tasks: what goes with the silence that their memory has to bridge.

A contrast weighs tasks.  The memory demand of a task is declared by its settings, in
seconds; here it is counted in the mean time constant of the networks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from popnet.studies.heterogeneity.tasks import VERSIONS

SILENCE = 20.0
"""The memory demand, in time constants, that contrasts are scaled to: 0.6 s at 30 ms,
as in DNMS."""
SLOPE = (
    "slope over the tasks' memory demand, within versions of one task and within the "
    f"other tasks, weighed by their errors, per silence of {SILENCE:g} time constants"
)


def by_demand(
    demand: Mapping[str, float], error: Mapping[str, float] | None = None
) -> dict[str, float]:
    """Weights of the slope over the memory demand d_t, times ``SILENCE``.

        w_t = SILENCE o_t (d_t - mean_f d) / sum o (d - mean_f d)^2

    An analysis of covariance: f is the family of task t, two versions of one task or
    all tasks that have no other version here, so that what a family's tasks share does
    not count; mean_f is weighted by o.  o_t = 1 / (v_t + mean v), with v_t the squared
    standard error of the task's number: a task that few networks learn tells less.  The
    mean is added because v itself is an estimate.  Equal weights where no errors are
    given.  Empty where no family has tasks of different demand.
    """
    tasks = list(demand)
    d = np.array([demand[task] for task in tasks], float)
    v = np.array([(error or {}).get(task, 0.0) for task in tasks], float)
    o = 1 / (v + v.mean()) if v.any() else np.ones(len(tasks))
    family = np.array([_family(task, tasks) for task in tasks])
    apart = np.zeros(len(tasks))
    for one in np.unique(family):
        own = family == one
        apart[own] = d[own] - np.average(d[own], weights=o[own])
    square = np.sum(o * apart**2)
    if square <= 1e-12 * np.sum(o * d**2):
        return {}
    return dict(zip(tasks, (SILENCE * o * apart / square).tolist(), strict=True))


def _family(task: str, tasks: Sequence[str]) -> str:
    """The name of the version without delay; "" where the other is not among them."""
    for delayed, plain in VERSIONS.items():
        if task in (delayed, plain) and {delayed, plain} <= set(tasks):
            return plain
    return ""


def by_version(tasks: Mapping[str, float]) -> dict[str, float]:
    """Weights of versions of one task, with a delay less without: a mean over pairs.

    Nothing but the silence differs between two versions.  Empty without a pair.
    """
    pairs = [(a, b) for a, b in VERSIONS.items() if a in tasks and b in tasks]
    weights: dict[str, float] = {}
    for delayed, plain in pairs:
        weights[delayed] = weights.get(delayed, 0.0) + 1 / len(pairs)
        weights[plain] = weights.get(plain, 0.0) - 1 / len(pairs)
    return weights
