"""Claims on how heterogeneity changes learning and dynamics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from popnet.studies.effects import count_of, standardised
from popnet.studies.heterogeneity.censored import TaskMeans, task_means
from popnet.studies.heterogeneity.contrasts import SLOPE, by_demand, by_version
from popnet.studies.heterogeneity.profiles import (
    SHARED_DIRECTION,
    SIGNIFICANT,
    directions,
    profiles,
)
from popnet.studies.heterogeneity.tables import Tables, dynamics, learning
from popnet.studies.level_evidence import SomeDepend, TaskDependence
from popnet.studies.study import Claim, Judgement

if TYPE_CHECKING:
    import pandas as pd


def slowing(networks: pd.DataFrame) -> TaskMeans:
    """Doublings of its learning trials that heterogeneity costs each task.

    The mean over configurations and levels above the least, less that at the least.
    """
    least = networks["level"].min()
    return task_means(
        networks, "doublings", "failed", lambda level: 1 if level > least else -1
    )


def _slowing(t: Tables, smallest: float) -> Judgement:
    found = slowing(t.networks)
    slope = found.combined(by_demand(t.demand, found.variances()), smallest)
    versions = found.combined(by_version(t.demand), smallest)
    own = versions.part.effect
    note = (
        f"{standardised(slope.part.values_S)} Tasks with a delay less the same tasks "
        f"without: {own.value:.2f} ({own.low:.2f} to {own.high:.2f}). By task: "
        + ", ".join(f"{task} {values[0]:.2f}" for task, values in found.by_task.items())
        + f". {int(t.networks['failed'].sum())} networks failed and are censored at "
        f"their caps{bounded(found)}."
    )
    return Judgement(slope.part.effect, "doublings", slope, note)


def bounded(found: TaskMeans) -> str:
    """Say which tasks' numbers are bounds."""
    said = [
        f"{what} of {', '.join(sorted(tasks))}"
        for what, tasks in (
            ("a lower bound", found.at_least), ("an upper bound", found.at_most),
        )
        if tasks
    ]  # fmt: skip
    return f"; known only as {' and '.join(said)}" if said else ""


def _task_dependence(t: Tables, smallest: float) -> Judgement:
    found = {name: profiles(t.networks, name) for name in learning() + dynamics()}
    parts = {
        name: TaskDependence(own.values_TSL, smallest)
        for name, own in found.items()
        if own is not None
    }
    every = sorted(t.networks["seed"].unique())
    places = [np.searchsorted(every, own.seeds) for own in found.values() if own]
    shown = {name: part.shown() for name, part in parts.items()}
    yes = [name for name, one in shown.items() if one.true <= SIGNIFICANT]
    no = [name for name, one in shown.items() if one.false <= SIGNIFICANT]
    note = (
        f"Shown to depend: {', '.join(yes) or 'none'}. Shown to depend by less than is "
        f"of interest: {', '.join(no) or 'none'} (each at 5 %)."
    )
    effect = count_of(len(yes), int(t.networks["seed"].nunique()))
    evidence = SomeDepend(tuple(parts.values()), tuple(places), smallest)
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
    f"against the least: {SLOPE}",
    "learning",
    0.25,
    "doublings",
    _slowing,
)
TASK_DEPENDENCE = Claim(
    "task_dependence",
    "What heterogeneity does to learning and dynamics depends on the task.",
    "metrics whose profile over levels differs between tasks (F of the interaction of "
    "task and level, Huynh and Feldt's correction); none, where the size of this "
    "interaction, r.m.s. over metrics, is below the smallest of interest",
    "dynamics",
    0.4,
    "deviations between seeds, r.m.s. over tasks and levels",
    _task_dependence,
)
NOT_MONOTONE = Claim(
    "not_monotone",
    "No metric of learning or dynamics follows the level of heterogeneity in one "
    "direction over tasks and configurations.",
    SHARED_DIRECTION,
    "dynamics",
    0.3,
    "of rank correlation",
    _not_monotone,
)
