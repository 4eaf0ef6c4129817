"""The factors that the paper varies, and the families of conditions that vary one.

A family is a set of conditions of one task that are equal in every setting but one
factor, and in what only says how they were trained.  Along a family a level has the
place x: a trend is a slope over x.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

ROOTS = ("network.", "task.", "rule.", "train.")
TASK = "task.name"
FREE = ("rule.learning_rate", "train.trials", "train.curve_every")
"""Settings that may differ within a family: each condition has the learning rate at
which it learns."""


class Factor(NamedTuple):
    """A factor by its settings, of which a task has one, and the scale of its levels.

    value: x is the level; doublings: x = log2 of it; steps: x = 0, 1, 2 ... in order.
    """

    name: str
    words: str
    paths: tuple[str, ...]
    scale: Literal["value", "doublings", "steps"]
    per: str
    """The unit of x."""


FACTORS = {
    factor.name: factor
    for factor in (
        Factor(
            "channels",
            "channels of the task, or dimensions",
            ("task.bits", "task.channels", "task.dimensions"),
            "value",
            "further channel",
        ),
        Factor(
            "delay", "delay", ("task.delay_s",), "doublings", "doubling of the delay"
        ),
        Factor(
            "auxiliary", "auxiliary output", ("task.difference",), "steps", "output"
        ),
        Factor(
            "gamma",
            "strength of feature learning, gamma",
            ("rule.gamma",),
            "doublings",
            "doubling of gamma",
        ),
        Factor("width", "units", ("network.units",), "doublings", "doubling of units"),
        Factor("nuclear", "nuclear norm", ("rule.nuclear",), "steps", "step"),
        Factor("l1", "L1 norm", ("rule.l1",), "steps", "step"),
    )
}


class Family(NamedTuple):
    """Conditions of one task along one factor, in the order of its levels."""

    factor: Factor
    task: str
    conditions: tuple[str, ...]
    levels: tuple[float, ...]
    """The values of the setting; true is 1."""

    @property
    def x(self) -> np.ndarray:
        """The places of the levels, [K]."""
        if self.factor.scale == "doublings":
            return np.log2(self.levels)
        if self.factor.scale == "steps":
            return np.arange(len(self.levels), dtype=float)
        return np.array(self.levels, dtype=float)


def families(conditions: pd.DataFrame) -> tuple[Family, ...]:
    """Find the family of each factor and task, of two levels or more.

    ``conditions`` has a row per condition: its name, ``condition``, and a column per
    setting.  Where a task has several families of one factor, that with most levels
    counts, of these the first.
    """
    found = (
        _family(factor, str(task), own)
        for factor in FACTORS.values()
        for task, own in conditions.groupby(TASK, sort=False)
    )
    return tuple(family for family in found if family is not None)


def _family(factor: Factor, task: str, own: pd.DataFrame) -> Family | None:
    settings = [c for c in own if str(c).startswith(ROOTS) and c not in FREE]
    texts = own[settings].astype(str)
    varied = [c for c in settings if texts[c].nunique() > 1]
    paths = [path for path in factor.paths if path in varied]
    if not paths:
        return None
    (path,) = paths
    others = [c for c in varied if c != path]
    sets = own.groupby(["|".join(row) for row in texts[others].to_numpy()], sort=False)
    best = max((rows for _, rows in sets), key=lambda rows: rows[path].nunique())
    rows = best.drop_duplicates(path).sort_values(path)
    if len(rows) < 2:
        return None
    levels = tuple(float(value) for value in rows[path])
    return Family(factor, task, tuple(map(str, rows["condition"])), levels)


def repeated(conditions: pd.DataFrame) -> bool:
    """Return True where two conditions of a task differ in learning rate alone."""
    settings = [c for c in conditions if str(c).startswith(ROOTS) and c not in FREE]
    return bool(conditions[settings].astype(str).duplicated().any())


def level_words(value: Any) -> str:
    """Name a level on an axis: ".1", "64"; a switch is 0 or 1."""
    text = f"{float(value):g}"
    return text.replace("0.", ".", 1) if abs(float(value)) < 1 else text
