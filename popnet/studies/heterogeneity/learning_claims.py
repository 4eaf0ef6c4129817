"""Claims on how heterogeneity changes learning and dynamics."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.intervals import jackknifed, mean_interval
from popnet.analysis.trials_to_criterion import censored_means
from popnet.studies.effects import by_seed, count_of, standardised
from popnet.studies.evidence import AnyOf, above
from popnet.studies.heterogeneity.profiles import SIGNIFICANT, directions, profiles
from popnet.studies.heterogeneity.tables import Tables, dynamics, learning
from popnet.studies.heterogeneity.tasks import MEMORY
from popnet.studies.level_evidence import Bounded, TaskDependence
from popnet.studies.study import Claim, Judgement

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]


def memory_difference(frame: pd.DataFrame, column: str) -> Array:
    """For each seed, the mean over memory tasks less the mean over memoryless ones."""
    memory = frame["task"].isin(MEMORY)
    own, other = by_seed(frame[memory], column), by_seed(frame[~memory], column)
    return (own - other).dropna().to_numpy(float)


class Slowing(NamedTuple):
    """How many doublings of its learning trials heterogeneity costs a task.

    D: with all seeds, then without each of them
    """

    by_task: dict[str, Array]
    """mean over configurations and levels above the least, against the least: [D]"""
    longer: bool
    """some of it is a lower bound of the difference memory less memoryless tasks"""
    shorter: bool
    """some of it is an upper bound"""
    failed: int
    """networks that failed"""

    @property
    def difference_D(self) -> Array:
        """Memory less memoryless tasks."""
        own = [values for task, values in self.by_task.items() if task in MEMORY]
        other = [values for task, values in self.by_task.items() if task not in MEMORY]
        if not own or not other:
            return np.full(len(next(iter(self.by_task.values()))), np.nan)
        return np.mean(own, axis=0) - np.mean(other, axis=0)


def slowing(networks: pd.DataFrame) -> Slowing:
    """Estimate the slowing of every task, a network that failed censored at its cap.

    Each condition's mean of log2 learning trials over seeds is that of a lognormal law
    in which a network that failed needs more than its cap, whichever side of the
    difference it stands on.  A condition in which fewer than three networks learned
    stands at its caps, which bound it on one side.
    """
    seeds = np.sort(networks["seed"].unique())
    weights_DS = np.vstack([np.ones(len(seeds)), 1 - np.eye(len(seeds))])
    least = networks["level"].min()
    by_task: dict[str, Array] = {}
    longer = shorter = False
    for task, own in networks.groupby("task", sort=False):
        means: dict[bool, list[Array]] = {True: [], False: []}
        for (_, level), cell in own.groupby(["configuration", "level"]):
            cell = cell.drop_duplicates("seed").set_index("seed").reindex(seeds)
            values = cell["doublings"].to_numpy(float)
            failed = cell["failed"].fillna(False).to_numpy(bool)
            found = censored_means(values, failed, weights_DS)
            if not np.isfinite(found).all():
                found = censored_means(values, failed & False, weights_DS)
                up = bool((level > least) == (task in MEMORY))
                longer, shorter = longer or up, shorter or not up
            means[level > least].append(found)
        if means[True] and means[False]:
            rest, plain = (np.mean(means[kind], axis=0) for kind in (True, False))
            by_task[str(task)] = rest - plain
    return Slowing(by_task, longer, shorter, int(networks["failed"].sum()))


def _slowing(t: Tables, smallest: float) -> Judgement:
    found = slowing(t.networks)
    whole, *without = found.difference_D
    values_S = jackknifed(whole, without)
    part = above(values_S, smallest)
    bounds = ["lower bound"] * found.longer + ["upper bound"] * found.shorter
    several = " and ".join(bounds)
    note = (
        f"{standardised(part.values_S)} By task: "
        + ", ".join(f"{task} {values[0]:.2f}" for task, values in found.by_task.items())
        + f". {found.failed} networks failed and are censored at their caps"
        + f"; where fewer than three learned, the effect is a {several}." * bool(bounds)
        + "." * (not bounds)
    )
    evidence = Bounded(part, can_hold=not found.shorter, can_fail=not found.longer)
    return Judgement(mean_interval(values_S), "doublings", evidence, note)


def _task_dependence(t: Tables, smallest: float) -> Judgement:
    found = {name: profiles(t.networks, name) for name in learning() + dynamics()}
    parts = {
        name: TaskDependence(values_TSL, smallest)
        for name, values_TSL in found.items()
        if values_TSL is not None
    }
    shown = {name: part.shown() for name, part in parts.items()}
    yes = [name for name, one in shown.items() if one.true <= SIGNIFICANT]
    no = [name for name, one in shown.items() if one.false <= SIGNIFICANT]
    note = (
        f"Shown to depend: {', '.join(yes) or 'none'}. Shown to depend by less than is "
        f"of interest: {', '.join(no) or 'none'} (each at 5 %)."
    )
    effect = count_of(len(yes), int(t.networks["seed"].nunique()))
    evidence = AnyOf(tuple(parts.values()))
    return Judgement(effect, f"of {len(parts)} metrics", evidence, note)


def _not_monotone(t: Tables, smallest: float) -> Judgement:
    found = directions(t.networks, learning() + dynamics(), smallest)
    return found.judgement("metrics")


LEARNING = Claim(
    "learning",
    "Learning of memory tasks is more sensitive to intrinsic heterogeneity than "
    "learning of memoryless tasks.",
    "doublings of the trials spent on learning (without those before the rule learns "
    "and those of the criterion's window) by heterogeneity, levels above the least "
    "against the least, memory less memoryless tasks",
    "learning",
    0.25,
    "doublings",
    _slowing,
)
TASK_DEPENDENCE = Claim(
    "task_dependence",
    "What heterogeneity does to learning and dynamics depends on the task.",
    "metrics whose profile over levels differs between tasks (F of the interaction of "
    "task and level, Huynh and Feldt's correction)",
    "dynamics",
    0.4,
    "deviations between seeds, r.m.s. over tasks and levels",
    _task_dependence,
)
NOT_MONOTONE = Claim(
    "not_monotone",
    "No metric of learning or dynamics follows the level of heterogeneity in one "
    "direction over tasks and configurations.",
    "metrics shown not to follow the level: a mean rank correlation over seeds below "
    "the smallest of interest for either direction, or a turn inside the levels",
    "dynamics",
    0.3,
    "of rank correlation",
    _not_monotone,
)
