"""Profiles of a metric over the graded level, seed by seed.

T tasks, S seeds, L levels in their order
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.inference import corrected
from popnet.analysis.level_tests import monotone_departure, trend
from popnet.runs.findings import Verdict
from popnet.studies.effects import drawing

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
SIGNIFICANT = 0.05
FEWEST = 3
"""Seeds that a cell needs to be judged."""


def cells(frame: pd.DataFrame, column: str) -> dict[tuple[str, str], Array]:
    """The column as [S, L] for each (task, configuration), seeds with all levels."""
    made = {}
    for name, cell in frame.groupby(["task", "configuration"], sort=False):
        wide = cell.pivot_table(index="seed", columns="level", values=column)
        values_SL = wide.dropna().to_numpy(float)
        if len(values_SL) >= FEWEST and values_SL.shape[1] >= FEWEST:
            made[name] = values_SL
    return made


def profiles(frame: pd.DataFrame, column: str) -> Array | None:
    """The column as [T, S, L], mean over configurations, in deviations of the task.

    So a task with larger numbers does not differ by that alone.  None where fewer than
    two tasks or too few seeds have all levels.
    """
    wide = frame.pivot_table(index=["task", "seed"], columns="level", values=column)
    whole = wide.dropna()
    tasks = [task for _, task in whole.groupby("task", sort=False)]
    if len(tasks) < 2:
        return None
    shared = set.intersection(*(set(t.index.get_level_values("seed")) for t in tasks))
    if len(shared) < FEWEST:
        return None
    made = []
    for task in tasks:
        own = task[task.index.get_level_values("seed").isin(shared)].to_numpy(float)
        # what differs between seeds is no part of a profile
        spread = np.std(own - own.mean(axis=1, keepdims=True))
        made.append(own / spread if spread > 0 else own)
    return np.stack(made)


class Shapes(NamedTuple):
    """The columns that follow the level in one direction everywhere, and the others."""

    monotone: list[str]
    """a trend of one sign in every cell, and no departure in any"""
    broken: list[str]
    """trends of both signs, or a departure from the best monotone profile"""
    metrics: int
    cells: int
    seeds: int

    @property
    def verdict(self) -> Verdict:
        """On "none is monotone"."""
        if self.monotone:
            return "does not hold"
        return "holds" if len(self.broken) == self.metrics > 0 else "undecided"

    @property
    def note(self) -> str:
        """Both lists in words."""
        return (
            f"Broken: {', '.join(self.broken) or 'none'}. One direction in every task "
            f"and configuration: {', '.join(self.monotone) or 'none'}. The others show "
            "neither. Page's trend and the bootstrap test of departure at 5 %, Holm "
            f"over {self.cells} cells (tasks x configurations)."
        )


def shapes(frame: pd.DataFrame, columns: Sequence[str]) -> Shapes:
    """Judge each metric over all cells (tasks x configurations)."""
    monotone, broken, judged, most = [], [], 0, 0
    for column in columns:
        values = list(cells(frame, column).values())
        if not values:
            continue
        judged, most = judged + 1, max(most, len(values))
        trends = [trend(values_SL) for values_SL in values]
        real = corrected([_p(t.p) for t in trends]) < SIGNIFICANT
        signs = {np.sign(t.value) for t, seen in zip(trends, real, strict=True) if seen}
        left = [monotone_departure(values_SL, drawing()).p for values_SL in values]
        departs = bool((corrected([_p(p) for p in left]) < SIGNIFICANT).any())
        if departs or len(signs) > 1:
            broken.append(column)
        elif real.all():
            monotone.append(column)
    seeds = int(frame["seed"].nunique())
    return Shapes(monotone, broken, judged, most, seeds)


def _p(p: float) -> float:
    """A test that had nothing to go by says nothing."""
    return 1.0 if np.isnan(p) else p
