"""Words and colours that the study's figures and tables share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from popnet.report.style import CATEGORIES
from popnet.studies.degeneracy.claims import PAPER_TASKS
from popnet.studies.degeneracy.factors import TASK, Family, level_words
from popnet.studies.degeneracy.tables import DegeneracyTables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes


def task_words(task: str) -> str:
    """A task's name in words, also of one that is not the paper's."""
    return PAPER_TASKS.get(task, task.replace("_", " "))


def colours(tables: DegeneracyTables) -> dict[str, str]:
    """A colour for each task."""
    return {
        task: CATEGORIES[place % len(CATEGORIES)]
        for place, task in enumerate(tables.tasks)
    }


def by_factor(tables: DegeneracyTables) -> dict[str, list[Family]]:
    """The families of each factor that the sweep varies, in the order of factors."""
    found: dict[str, list[Family]] = {}
    for family in tables.families:
        found.setdefault(family.factor.name, []).append(family)
    return found


def condition_words(tables: DegeneracyTables) -> dict[str, str]:
    """Name each condition by its task and the levels of its families' factors."""
    words: dict[str, list[str]] = {c: [] for c in tables.conditions}
    for family in tables.families:
        for condition, level in zip(family.conditions, family.levels, strict=True):
            words[condition].append(f"{family.factor.name} {level_words(level)}")
    tasks = tables.networks.drop_duplicates("condition").set_index("condition")[TASK]
    named = {c: [task_words(str(tasks[c])), *own] for c, own in words.items()}
    return {c: ", ".join(parts) for c, parts in named.items()}


def level_axis(axes: Axes, families: list[Family]) -> None:
    """Mark the levels of these families at their places x."""
    marks: Mapping[float, str] = {
        float(x): level_words(level)
        for family in families
        for x, level in zip(family.x, family.levels, strict=True)
    }
    places = sorted(marks)
    axes.set_xticks(places, [marks[x] for x in places])
    margin = 0.12 * max(float(np.ptp(places)), 1e-9)
    axes.set_xlim(places[0] - margin, places[-1] + margin)
