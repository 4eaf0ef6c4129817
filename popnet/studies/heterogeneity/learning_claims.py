"""Claims on how heterogeneity changes learning and dynamics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.inference import corrected
from popnet.analysis.level_tests import interaction
from popnet.studies.effects import (
    by_seed,
    count_of,
    drawing,
    listed,
    mean_over_seeds,
    standardised,
)
from popnet.studies.heterogeneity.profiles import SIGNIFICANT, profiles, shapes
from popnet.studies.heterogeneity.tables import Tables, dynamics, learning
from popnet.studies.heterogeneity.tasks import MEMORY
from popnet.studies.study import Claim, Judgement
from popnet.studies.verdicts import above

if TYPE_CHECKING:
    import pandas as pd

SAME = ["task", "configuration", "seed"]


def memory_difference(frame: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """For each seed, the mean over memory tasks less the mean over memoryless ones."""
    memory = frame["task"].isin(MEMORY)
    own, other = by_seed(frame[memory], column), by_seed(frame[~memory], column)
    return (own - other).dropna().to_numpy()


def slowed(networks: pd.DataFrame) -> pd.DataFrame:
    """``slowing``: log2 of a heterogeneous network's trials to criterion, less that of
    the network of the same seed, task and configuration without heterogeneity.
    """
    least = networks["level"].min()
    plain = networks[networks["level"] == least].set_index(SAME)["doublings"]
    rest = networks[networks["level"] > least]
    places = list(rest[SAME].itertuples(index=False, name=None))
    return rest.assign(slowing=rest["doublings"] - plain.reindex(places).to_numpy())


def _slowing(t: Tables) -> Judgement:
    rows = slowed(t.networks)
    difference = memory_difference(rows, "slowing")
    effect = mean_over_seeds(difference)
    note = (
        f"{standardised(difference)} By task: {listed(rows, 'slowing')}. A network "
        "that failed counts with its cap, so its slowing is a lower bound."
    )
    return Judgement(effect, "doublings", above(effect, 0), note)


def _task_dependence(t: Tables) -> Judgement:
    p_values = {}
    for metric in learning() + dynamics():
        values_TSL = profiles(t.networks, metric)
        if values_TSL is not None:
            p_values[metric] = interaction(values_TSL, drawing()).p
    adjusted = corrected(list(p_values.values()))
    seen = [m for m, p in zip(p_values, adjusted, strict=True) if p < SIGNIFICANT]
    return Judgement(
        count_of(len(seen), int(t.networks["seed"].nunique())),
        f"of {len(p_values)} metrics",
        "holds" if seen else "undecided",
        f"They are: {', '.join(seen) or 'none'}.",
        float(min(adjusted, default=np.nan)),
    )


def _not_monotone(t: Tables) -> Judgement:
    found = shapes(t.networks, learning() + dynamics())
    effect = count_of(len(found.broken), found.seeds)
    return Judgement(effect, f"of {found.metrics} metrics", found.verdict, found.note)


LEARNING = Claim(
    "learning",
    "Learning of memory tasks is more sensitive to intrinsic heterogeneity than "
    "learning of memoryless tasks.",
    "doublings of the trials to criterion by heterogeneity (levels above 0 against "
    "0, paired by seed), memory less memoryless tasks",
    "learning",
    _slowing,
)
TASK_DEPENDENCE = Claim(
    "task_dependence",
    "What heterogeneity does to learning and dynamics depends on the task.",
    "metrics whose profile over levels differs between tasks (interaction of task "
    "and level, bootstrap of seeds, Holm over metrics)",
    "dynamics",
    _task_dependence,
)
NOT_MONOTONE = Claim(
    "not_monotone",
    "No metric of learning or dynamics follows the level of heterogeneity in one "
    "direction over tasks and configurations.",
    "metrics that break every one direction: trends of both signs among cells, or "
    "a departure from the best monotone profile",
    "dynamics",
    _not_monotone,
)
