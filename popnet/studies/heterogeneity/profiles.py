"""Profiles of a metric over the graded level, seed by seed.

T tasks, S seeds, L levels in their order

A seed whose values are all equal (accuracies at their ceiling) has no direction.  A
cell (task x configuration) is left out where more than half of its seeds are so, or
fewer than FEWEST are left; from tests of a dependence on the task, a task likewise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.intervals import Effect
from popnet.analysis.level_tests import rank_correlations
from popnet.studies.evidence import FEWEST, Not, Unless
from popnet.studies.level_evidence import OneDirection, Turns
from popnet.studies.shared_direction import SharedDirection
from popnet.studies.study import Judgement

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
SIGNIFICANT = 0.05
SHARED_DIRECTION = (
    "root of the mean product, over metrics, inner levels and pairs of cells (task x "
    "configuration), of the rank correlations with the level up to there and from "
    "there on: 1 where each follows it in one direction in all cells; and none alone "
    "is shown to do so"
)


def cells(frame: pd.DataFrame, column: str) -> dict[tuple[str, str], pd.DataFrame]:
    """The column as seeds x levels for each cell, seeds with all levels.

    Cells that vary too little to have a direction are left out.
    """
    made = {}
    index = ["task", "configuration", "seed"]
    wide = frame.pivot_table(index=index, columns="level", values=column, sort=True)
    for name, cell in wide.dropna().astype(float).groupby(level=index[:2]):
        whole = cell.droplevel(0).droplevel(0)
        if whole.shape[1] >= 3 and varies(whole.to_numpy()):
            made[name] = whole
    return made


def varies(values_SL: Array) -> bool:
    """Whether enough seeds have values that differ between levels."""
    differ = np.ptp(values_SL, axis=-1) > 1e-12 * np.abs(values_SL).max(initial=0)
    return int(differ.sum()) >= max(FEWEST, len(values_SL) / 2)


class Profiles(NamedTuple):
    """A column over the levels, in deviations between the seeds of a task."""

    values_TSL: Array
    seeds: list[int]
    """the seeds that have all levels of all these tasks"""


def profiles(frame: pd.DataFrame, column: str) -> Profiles | None:
    """The column as [T, S, L], mean over configurations, in deviations between seeds.

    One deviation for all tasks: r.m.s. of what is left without the means of seeds and
    levels.  Each task in its own would differ from the others by the error of its
    deviation alone, where all rise alike.  None where fewer than two tasks vary or too
    few seeds have all levels.
    """
    wide = frame.pivot_table(index=["task", "seed"], columns="level", values=column)
    whole = wide.dropna().astype(float)
    tasks = [task.droplevel("task") for _, task in whole.groupby("task", sort=False)]
    tasks = [task for task in tasks if varies(task.to_numpy())]
    if len(tasks) < 2:
        return None
    shared = sorted(set.intersection(*(set(task.index) for task in tasks)))
    if len(shared) < FEWEST:
        return None
    values_TSL = np.stack([task.loc[shared].to_numpy() for task in tasks])
    noise = values_TSL - values_TSL.mean(axis=1, keepdims=True)
    noise -= noise.mean(axis=2, keepdims=True)
    free = len(tasks) * np.prod(np.subtract(values_TSL.shape[1:], 1))
    spread = np.sqrt(np.sum(noise**2) / free)
    return Profiles(values_TSL / spread if spread > 0 else values_TSL, shared)


def one_direction(
    frame: pd.DataFrame, column: str, smallest: float
) -> OneDirection | None:
    """Whether the column follows the level in one direction in all cells that vary."""
    found = list(cells(frame, column).values())
    if not found:
        return None
    seeds = np.unique(np.concatenate([cell.index.to_numpy() for cell in found]))
    places = [np.searchsorted(seeds, cell.index.to_numpy()) for cell in found]
    rho = [rank_correlations(cell.to_numpy()) for cell in found]
    turns = [_turns(cell.to_numpy()) for cell in found]
    together = Turns(
        *(
            np.stack(
                [_over_cells(k, places, len(seeds)) for k in zip(*sides, strict=True)]
            )
            for sides in zip(*turns, strict=True)
        )
    )
    by_seed = _over_cells(rho, places, len(seeds))
    return OneDirection(
        tuple(of_cell[np.isfinite(of_cell)] for of_cell in rho),
        by_seed[np.isfinite(by_seed)],
        smallest,
        tuple(turns),
        together,
    )


def _turns(values_SL: Array) -> Turns:
    """Each seed's rank correlation up to every inner level, and from it on."""
    inner = range(1, values_SL.shape[1] - 1)
    before = [rank_correlations(values_SL[:, : k + 1]) for k in inner]
    after = [rank_correlations(values_SL[:, k:]) for k in inner]
    return Turns(np.nan_to_num(before), np.nan_to_num(after))


def _over_cells(
    cells: Sequence[Array], places: Sequence[NDArray[np.int64]], seeds: int
) -> Array:
    """Each seed's mean over the cells in which it has a number; NaN without one."""
    total, count = np.zeros(seeds), np.zeros(seeds)
    for values_S, place in zip(cells, places, strict=True):
        known = np.isfinite(values_S)
        total[place[known]] += values_S[known]
        count[place[known]] += 1
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


class Directions(NamedTuple):
    """Which columns follow the level in one direction in every cell."""

    judged: dict[str, OneDirection]
    constant: list[str]
    """left out: no cell varies"""
    shared: SharedDirection
    """all of them as a whole"""

    def judgement(self, what: str) -> Judgement:
        """The evidence for "none follows the level in one direction"."""
        shown = {name: one.shown() for name, one in self.judged.items()}
        no = [name for name, one in shown.items() if one.false <= SIGNIFICANT]
        yes = [name for name, one in shown.items() if one.true <= SIGNIFICANT]
        left = f" Constant, left out: {', '.join(self.constant)}." * bool(self.constant)
        note = (
            f"Shown to follow neither direction: {', '.join(no) or 'none'}. Shown to "
            f"follow one in every task and configuration: {', '.join(yes) or 'none'} "
            f"(each at 5 %), of {len(shown)} {what}.{left}"
        )
        clearest = min((float(one.true) for one in shown.values()), default=1.0)
        follows = min(1.0, max(len(shown), 1) * clearest)
        return Judgement(
            _root(self.shared.part.effect),
            "of rank correlation",
            Unless(Not(self.shared), follows),
            note,
        )


def _root(effect: Effect) -> Effect:
    """The root of a mean product and of its interval's ends; 0 for one below 0."""
    value, low, high = (float(np.sqrt(max(end, 0.0))) for end in effect[:3])
    return Effect(value, low, high, effect.n)


def directions(
    frame: pd.DataFrame, columns: Sequence[str], smallest: float
) -> Directions:
    """Judge each column over all cells (tasks x configurations)."""
    found = {column: one_direction(frame, column, smallest) for column in columns}
    judged = {name: one for name, one in found.items() if one is not None}
    constant = [name for name in found if name not in judged]
    before, after = _sides(frame, list(judged))
    return Directions(judged, constant, SharedDirection(before, after, smallest))


def _sides(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[Array, Array]:
    """Rank correlations up to every inner level, and from it on.

    [M, C, S] with M = columns x inner levels, column by column; NaN where unknown.
    """
    seeds = np.sort(frame["seed"].unique())
    of_column = [cells(frame, column) for column in columns]
    names = sorted({name for found in of_column for name in found})
    inner = max(int(frame["level"].nunique()) - 2, 0)
    shape = (2, len(columns), max(len(names), 1), inner, len(seeds))
    sides = np.full(shape, np.nan)
    for i, found in enumerate(of_column):
        for name, cell in found.items():
            place = np.searchsorted(seeds, cell.index.to_numpy())
            own = sides[:, i, names.index(name)]
            own[:, :, place] = np.stack(_turns(cell.to_numpy()))
    rows = np.swapaxes(sides, 2, 3).reshape(2, -1, shape[2], len(seeds))
    return rows[0], rows[1]
