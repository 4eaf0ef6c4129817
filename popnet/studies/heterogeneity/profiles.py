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

from popnet.analysis.level_tests import rank_correlations
from popnet.studies.effects import count_of
from popnet.studies.evidence import FEWEST, AnyOf, Not
from popnet.studies.level_evidence import OneDirection, Turns
from popnet.studies.study import Judgement

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
SIGNIFICANT = 0.05


def cells(frame: pd.DataFrame, column: str) -> dict[tuple[str, str], pd.DataFrame]:
    """The column as seeds x levels for each cell, seeds with all levels.

    Cells that vary too little to have a direction are left out.
    """
    made = {}
    for name, cell in frame.groupby(["task", "configuration"], sort=False):
        wide = cell.pivot_table(index="seed", columns="level", values=column)
        whole = wide.dropna().astype(float)
        if whole.shape[1] >= 3 and varies(whole.to_numpy()):
            made[name] = whole
    return made


def varies(values_SL: Array) -> bool:
    """Whether enough seeds have values that differ between levels."""
    differ = np.ptp(values_SL, axis=-1) > 1e-12 * np.abs(values_SL).max(initial=0)
    return int(differ.sum()) >= max(FEWEST, len(values_SL) / 2)


def profiles(frame: pd.DataFrame, column: str) -> Array | None:
    """The column as [T, S, L], mean over configurations, in deviations of the task.

    The deviation is that of the residuals, less the means of seeds and levels: a task
    with larger numbers does not differ by that alone.  None where fewer than two tasks
    vary or too few seeds have all levels.
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
    made = []
    for task in tasks:
        own = task.loc[shared].to_numpy()
        noise = own - own.mean(axis=1, keepdims=True) - own.mean(axis=0) + own.mean()
        spread = np.sqrt(np.sum(noise**2) / np.prod(np.subtract(own.shape, 1)))
        made.append(own / spread if spread > 0 else own)
    return np.stack(made)


def one_direction(
    frame: pd.DataFrame, column: str, smallest: float
) -> OneDirection | None:
    """Whether the column follows the level in one direction in all cells that vary."""
    import pandas as pd

    found = list(cells(frame, column).values())
    if not found:
        return None
    rho = [pd.Series(rank_correlations(cell), cell.index).dropna() for cell in found]
    turns = [_turns(cell) for cell in found]
    by_seed = pd.concat(rho).groupby(level=0).mean()
    return OneDirection(
        tuple(np.array(of_cell, np.float64) for of_cell in rho),
        np.array(by_seed, np.float64),
        smallest,
        tuple(Turns(*(side.T.to_numpy() for side in both)) for both in turns),
        Turns(*(_over_cells(sides) for sides in zip(*turns, strict=True))),
    )


def _turns(values: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each seed's rank correlation up to every inner level, and from it on."""
    import pandas as pd

    inner = range(1, values.shape[1] - 1)
    before = {k: rank_correlations(values.iloc[:, : k + 1]) for k in inner}
    after = {k: rank_correlations(values.iloc[:, k:]) for k in inner}
    made = [pd.DataFrame(side, values.index).fillna(0.0) for side in (before, after)]
    return made[0], made[1]


def _over_cells(sides: Sequence[pd.DataFrame]) -> Array:
    """Mean over cells, by seed; [K, S]."""
    import pandas as pd

    return pd.concat(sides).groupby(level=0).mean().T.to_numpy()


class Directions(NamedTuple):
    """Which columns follow the level in one direction in every cell."""

    judged: dict[str, OneDirection]
    constant: list[str]
    """left out: no cell varies"""
    seeds: int

    def judgement(self, what: str) -> Judgement:
        """The evidence for "none follows the level in one direction"."""
        shown = {name: one.shown() for name, one in self.judged.items()}
        no = [name for name, one in shown.items() if one.false <= SIGNIFICANT]
        yes = [name for name, one in shown.items() if one.true <= SIGNIFICANT]
        left = f" Constant, left out: {', '.join(self.constant)}." * bool(self.constant)
        note = (
            f"Shown to follow neither direction: {', '.join(no) or 'none'}. Shown to "
            f"follow one in every task and configuration: {', '.join(yes) or 'none'} "
            f"(each at 5 %).{left}"
        )
        return Judgement(
            count_of(len(no), self.seeds),
            f"of {len(self.judged)} {what}",
            Not(AnyOf(tuple(self.judged.values()))),
            note,
        )


def directions(
    frame: pd.DataFrame, columns: Sequence[str], smallest: float
) -> Directions:
    """Judge each column over all cells (tasks x configurations)."""
    found = {column: one_direction(frame, column, smallest) for column in columns}
    judged = {name: one for name, one in found.items() if one is not None}
    constant = [name for name in found if name not in judged]
    return Directions(judged, constant, int(frame["seed"].nunique()))
