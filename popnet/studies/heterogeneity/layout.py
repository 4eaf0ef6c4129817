"""Lays out the study's figures: the order of tasks, configurations and levels."""

from __future__ import annotations

from popnet.report.style import palette
from popnet.studies.heterogeneity.tables import Tables

MOST_ACROSS = 6  # tasks beside each other; with more a figure goes on in another


def colours(tables: Tables) -> dict[str, str]:
    """A colour for each configuration."""
    tones = palette(len(tables.configurations), ordered=False)
    return dict(zip(tables.configurations, tones, strict=True))


def shades(tables: Tables) -> dict[float, str]:
    """A colour for each level, dark to light."""
    tones = palette(max(2, len(tables.levels)), ordered=True)
    return dict(zip(tables.levels, tones, strict=False))


def families(tables: Tables) -> list[list[str]]:
    """The tasks that need memory, then those that do not; no empty family."""
    both = [
        [task for task in tables.tasks if (tables.demand.get(task, 0) > 0) == kind]
        for kind in (True, False)
    ]
    return [family for family in both if family]


def in_order(tables: Tables) -> list[str]:
    """The tasks, memory tasks first."""
    return [task for family in families(tables) for task in family]


def across(tables: Tables) -> list[list[str]]:
    """The tasks in rows of panels, none wider than the page."""
    tasks = in_order(tables)
    rows = -(-len(tasks) // MOST_ACROSS)
    each = -(-len(tasks) // max(rows, 1))
    return [tasks[i * each : (i + 1) * each] for i in range(rows)]


MEMORY = (
    "Memory: the silence between the last evidence and the answer, in mean time "
    "constants τ."
)
"""The sentence of a caption that explains the titles of panels made by ``titled``."""


def titled(tables: Tables, task: str, line: int = 15) -> str:
    """A task's name above its panel, with the silence that its memory bridges."""
    words = task.replace("_", " ")
    words = words if len(words) <= line else "\n".join(words.rsplit(" ", 1))
    demand = tables.demand.get(task, 0)
    kind = f"memory {demand:.3g} τ" if demand else "memoryless"
    return f"{words}\n({kind})"
