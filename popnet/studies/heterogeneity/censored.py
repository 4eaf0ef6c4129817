"""Means of each task in which networks that never got there are censored.

D: with all seeds, then without each of them

A condition's mean over seeds is that of a normal law in which a censored network is
known to have more than its number: a network that failed needs more trials than its
cap, one that a perturbation did not break bears more than the top grade.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.intervals import jackknifed
from popnet.analysis.trials_to_criterion import censored_means
from popnet.studies.evidence import Mean, above
from popnet.studies.level_evidence import Bounded

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


class TaskMeans(NamedTuple):
    """A number of each task, and which of them are bounds."""

    by_task: dict[str, Array]
    """[D]"""
    at_least: frozenset[str]
    """tasks of which the number is a lower bound"""
    at_most: frozenset[str]
    """tasks of which it is an upper bound"""

    def variances(self) -> dict[str, float]:
        """The error variance of each task's number, by its jackknife over seeds."""
        without = {task: found[1:] for task, found in self.by_task.items()}
        return {
            task: float((len(values) - 1) * values.var())
            for task, values in without.items()
            if np.isfinite(values).all()
        }

    def combined(self, weights: Mapping[str, float], smallest: float) -> Bounded:
        """Evidence that a weighted sum over tasks is above none by ``smallest``.

        Its numbers are ``jackknifed``; no numbers where a task that is weighed is not
        known.
        """
        weighed = {task: weight for task, weight in weights.items() if weight}
        if not weighed or not set(weighed) <= set(self.by_task):
            return Bounded(above([], smallest), can_hold=True, can_fail=True)
        found = sum(weight * self.by_task[task] for task, weight in weighed.items())
        whole, *without = np.asarray(found, float)
        lower = upper = False
        for task, weight in weighed.items():
            least, most = task in self.at_least, task in self.at_most
            lower |= least if weight > 0 else most
            upper |= most if weight > 0 else least
        part: Mean = above(jackknifed(whole, without), smallest)
        return Bounded(part, can_hold=not upper, can_fail=not lower)


def _adds(level: float) -> int:
    """Every level adds to the mean of a task."""
    del level
    return 1


def task_means(
    frame: pd.DataFrame,
    column: str,
    censored: str | None,
    sign: Callable[[float], int] = _adds,
) -> TaskMeans:
    """Mean of a column over the conditions of each task, by networks' seeds.

    ``sign`` of a condition's level: +1 adds, -1 takes off; the mean over the former
    less that over the latter, if there are any.  A condition in which too few networks
    got there stands at its censored numbers, which bound it from below.  Where no
    column says what is ``censored`` the means are plain.
    """
    seeds = np.sort(frame["seed"].unique())
    weights_DS = np.vstack([np.ones(len(seeds)), 1 - np.eye(len(seeds))])
    by_task: dict[str, Array] = {}
    at_least, at_most = set(), set()
    wanted = {sign(level) for level in frame["level"].unique().tolist()}
    for task, own in frame.groupby("task", sort=False):
        means: dict[int, list[Array]] = {side: [] for side in wanted}
        for _, cell in own.groupby(["configuration", "level"]):
            side = sign(float(cell["level"].iloc[0]))
            found, bounds = _of_condition(cell, column, censored, seeds, weights_DS)
            if found is None:
                continue
            if bounds:
                (at_least if side > 0 else at_most).add(str(task))
            means[side].append(found)
        if means and all(means.values()):
            sides = [side * np.mean(found, axis=0) for side, found in means.items()]
            by_task[str(task)] = np.sum(sides, axis=0)
    return TaskMeans(by_task, frozenset(at_least), frozenset(at_most))


def _of_condition(
    cell: pd.DataFrame,
    column: str,
    censored: str | None,
    seeds: NDArray[np.int64],
    weights_DS: Array,
) -> tuple[Array | None, bool]:
    """The means of one condition [D], and whether they only bound it from below."""
    of_seed = cell.groupby("seed")
    values = of_seed[column].mean().reindex(seeds).to_numpy(float)
    if censored is None:
        failed = np.zeros(len(seeds), bool)
    else:
        failed = of_seed[censored].max().reindex(seeds).fillna(False).to_numpy(bool)
    if not np.isfinite(values).any():
        return None, False
    found = censored_means(values, failed, weights_DS)
    if np.isfinite(found).all():
        return found, False
    found = censored_means(values, failed & False, weights_DS)
    return (found, True) if np.isfinite(found).all() else (None, False)
