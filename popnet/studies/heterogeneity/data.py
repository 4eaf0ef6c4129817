"""A study's run in the order of its page: tasks, configurations, levels."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from popnet.report.conditions import named
from popnet.report.population import LEARNED, RunTables, load, numbers, trials_needed
from popnet.report.recorded_run import RecordedRun
from popnet.report.style import palette

LEVEL = "network.tau_s.spread"
TASK = "task.name"
MEMORY = frozenset(
    {
        "dnms", "dms", "dnms_long", "dnms_variable", "delayed_response", "order",
        "n_back", "parametric_memory", "delayed_discrimination", "flipflop",
    }
)  # fmt: skip
"""Tasks whose answer needs a stimulus that is gone."""

_RELATED = (
    ("dnms", "dms"),
    ("dnms", "dnms_long"),
    ("dnms", "dnms_variable"),
    ("dnms", "order"),
    ("dms", "order"),
    ("go_nogo", "delayed_response"),
    ("perceptual_decision", "selective_integration"),
)
RELATED = frozenset(frozenset(pair) for pair in _RELATED)
"""Pairs of tasks that share a structure; both directions are meant."""

MOST_ACROSS = 6  # tasks beside each other; with more a figure goes on in another
EMPTY = ["key", "task", "configuration", "level", "status", "index"]


@dataclass(frozen=True)
class Study:
    """A run whose networks differ in task, configuration and level."""

    population: RunTables
    networks: pd.DataFrame
    """one row per network; also task, configuration, level, needed, cap, failed"""
    dynamics: pd.DataFrame
    tasks: list[str]
    """memory-dependent first"""
    memory: frozenset[str]
    related: frozenset[frozenset[str]]
    configurations: list[str]
    levels: list[float]
    level_name: str

    @property
    def colours(self) -> dict[str, str]:
        """A colour for each configuration."""
        tones = palette(len(self.configurations), ordered=False)
        return dict(zip(self.configurations, tones, strict=True))

    @property
    def shades(self) -> dict[float, str]:
        """A colour for each level, dark to light."""
        tones = palette(max(2, len(self.levels)), ordered=True)
        return dict(zip(self.levels, tones, strict=False))

    @property
    def met(self) -> pd.DataFrame:
        """The networks that met the criterion and kept it."""
        return self.networks[self.networks["status"].isin(LEARNED)]

    def families(self) -> list[list[str]]:
        """The tasks that need memory, then those that do not; no empty family."""
        both = [
            [t for t in self.tasks if (t in self.memory) == kind]
            for kind in (True, False)
        ]
        return [family for family in both if family]

    def across(self) -> list[list[str]]:
        """The tasks in rows of panels, none wider than the page."""
        rows = -(-len(self.tasks) // MOST_ACROSS)
        each = -(-len(self.tasks) // max(rows, 1))
        return [self.tasks[i * each : (i + 1) * each] for i in range(rows)]

    def titled(self, task: str, line: int = 15) -> str:
        """A task's name above its panel, with what kind it is."""
        words = task.replace("_", " ")
        words = words if len(words) <= line else "\n".join(words.rsplit(" ", 1))
        return f"{words}\n({'memory' if task in self.memory else 'memoryless'})"

    def joined(self, table: pd.DataFrame) -> pd.DataFrame:
        """A table's rows with their network's place; the table's own level is grade."""
        table = table.rename(columns={"level": "grade"})
        if table.empty or self.networks.empty:
            return pd.DataFrame(columns=[*dict.fromkeys([*table.columns, *EMPTY])])
        own = [name for name in EMPTY if name == "key" or name not in table]
        return table.merge(self.networks[own], on="key")


def load_study(
    run: RecordedRun,
    *,
    level: str = LEVEL,
    memory: Collection[str] = MEMORY,
    related: Collection[Collection[str]] = RELATED,
) -> Study:
    """Read a study's tables.

    ``level``: the column with the grades of heterogeneity; ``related``: the pairs of
    tasks that are called related.  What else the grid varies, apart from the task,
    makes up the configuration.
    """
    population = load(run)
    networks = _placed(population, level)
    order = list(dict.fromkeys(networks["task"]))
    return Study(
        population=population,
        networks=networks,
        dynamics=run.dynamics(),
        tasks=sorted(order, key=lambda task: task not in memory),
        memory=frozenset(memory),
        related=frozenset(frozenset(pair) for pair in related),
        configurations=list(dict.fromkeys(networks["configuration"])),
        levels=sorted(networks["level"].unique()),
        level_name=level,
    )


def _placed(population: RunTables, level: str) -> pd.DataFrame:
    networks = population.networks
    if networks.empty:
        return pd.DataFrame(columns=EMPTY)
    others = [p for p in population.varied if p not in (TASK, level)]
    needed = trials_needed(population).set_index("key")[["needed", "cap", "failed"]]
    grade = numbers(networks[level]) if level in networks else 0.0
    placed = networks.join(needed, on="key").assign(
        task=networks[TASK].astype(str),
        level=grade,
        configuration=[_configuration(row, others) for _, row in networks.iterrows()],
    )
    return placed.sort_values(["level", "index"], kind="stable", ignore_index=True)


def _configuration(row: pd.Series, paths: list[str]) -> str:
    """The settings that make a configuration: "into=drive"; "" when there is one."""
    parts = [
        f"{path.removesuffix('.name').rsplit('.', 1)[-1]}={named(row[path])}"
        for path in paths
        if not (np.isscalar(row[path]) and pd.isna(row[path]))  # of another task only
    ]
    return ", ".join(parts)
