"""Frozen networks under perturbation, by the level they were trained at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from popnet.report.perturbations import heading, level_positions
from popnet.report.population import numbers
from popnet.report.registry_words import chance, level_title, memoryless_score
from popnet.report.sections import Drawing, Section, sentences, span
from popnet.report.statistics import mean_interval
from popnet.report.style import SOFT
from popnet.studies.heterogeneity.layout import MEMORY, across, shades, titled
from popnet.studies.heterogeneity.strips import grid, short
from popnet.studies.heterogeneity.tables import REDRAWN, Tables
from popnet.studies.heterogeneity.trained_tasks import trained_on

CHANCE: dict[str, Any] = {"color": SOFT, "linewidth": 0.9, "linestyle": (0, (4, 3))}
WITHOUT_MEMORY: dict[str, Any] = {**CHANCE, "linestyle": ":"}
MOST_LETTERS = 6  # of two neighbouring labels of an axis one sixth of the page wide
Entry = tuple[str, str]
"""A perturbation's name and settings, as tables hold them."""
SPREAD = 0.5  # of the gap between grades that the lines of all levels may take


def robustness(tables: Tables) -> Section:
    """Accuracy against the grade of each perturbation, a figure per configuration."""
    title = "Robustness"
    rows = tables.perturbed[~tables.perturbed["failed"].astype(bool)]
    rows = rows[rows["perturbation"] != REDRAWN]
    if rows.empty:
        words = "Left out: no perturbation of a network that met the criterion."
        return Section("robustness", title, words)
    entries = list(dict.fromkeys(_entries(rows)))
    drawings = []
    for configuration in tables.configurations:
        own = rows[rows["configuration"] == configuration]
        for tasks in across(tables) if len(own) else []:
            suffix = f"_{len(drawings) + 1}" if drawings else ""
            figure = _draw(tables, own, tasks, entries)
            named = f", {configuration}" if configuration else ""
            drawings.append(
                Drawing(
                    f"robustness{suffix}",
                    figure,
                    f"Accuracy under perturbation{named}.",
                    _caption(tables, own),
                )
            )
    return Section("robustness", title, drawings=drawings)


def _entries(rows: pd.DataFrame) -> Iterable[Entry]:
    return zip(rows["perturbation"], rows["settings"], strict=True)


def _draw(
    tables: Tables, rows: pd.DataFrame, tasks: list[str], entries: list[Entry]
) -> Figure:
    figure, axes = grid(len(entries), len(tasks), 1.5)
    low = float(
        rows.groupby(["task", "perturbation", "settings", "level", "grade"])["accuracy"]
        .mean()
        .min()
    )
    known = trained_on(tables.networks)
    for y, (name, settings) in enumerate(entries):
        asked = rows[(rows["perturbation"] == name) & (rows["settings"] == settings)]
        for x, task in enumerate(tasks):
            place: Axes = axes[y, x]
            here = asked[asked["task"] == task]
            _panel(place, tables, here)
            if len(here):
                place.axhline(chance(known[task]), **CHANCE)
                if (score := memoryless_score(known[task])) is not None:
                    place.axhline(score, **WITHOUT_MEMORY)
            place.set_ylim(max(-0.03, min(0.4, low - 0.04)), 1.03)
            place.tick_params(labelsize=7)
            if y == 0:
                sizes = _sizes(tables, rows[rows["task"] == task])
                title = f"{titled(tables, task)}\nn = {span(sizes)}"
                place.set_title(title, fontsize=8.5)
        words, given = heading(name, settings)
        below = f"\n({given})" if given else ""
        axes[y, 0].set_ylabel(f"{words}{below}\naccuracy", fontsize=8)
        middle = axes[y, (len(tasks) - 1) // 2]
        middle.set_xlabel(level_title(name), fontsize=8)
    figure.align_ylabels(axes[:, 0])
    legend_of_levels(figure, tables)
    return figure


def _panel(axes: Axes, tables: Tables, rows: pd.DataFrame) -> None:
    """One perturbation of one task's networks, one line per level of training."""
    axes.grid(axis="y")
    grades = np.sort(rows["grade"].unique())
    if not grades.size:
        place: dict[str, Any] = {"transform": axes.transAxes, "ha": "center"}
        axes.text(0.5, 0.75, "not asked", color=SOFT, fontsize=7, **place)
        axes.set_xticks([])
        return
    positions, _ = level_positions(grades)
    step = float(np.diff(positions).min()) if len(positions) > 1 else 1.0
    colours = shades(tables)
    for i, level in enumerate(tables.levels):
        own = rows[rows["level"] == level]
        found = [
            mean_interval(numbers(own.loc[own["grade"] == grade, "accuracy"]))
            for grade in grades
        ]
        mean, low, high, _ = np.array(found, dtype=float).T
        middle = (len(tables.levels) - 1) / 2
        x = positions + (i - middle) / len(tables.levels) * SPREAD * step
        here = np.isfinite(mean)
        colour = colours[level]
        axes.vlines(x, low, high, color=colour, linewidth=0.8)
        axes.plot(x[here], mean[here], label=f"{level:g}", **_line(colour))
    axes.set_xticks(positions, _apart([short(g) for g in grades]))
    axes.set_xlim(positions[0] - 0.5 * step, positions[-1] + 0.5 * step)


def _apart(labels: list[str]) -> list[str]:
    """The labels of a narrow axis, less those that would touch the one before."""
    shown: list[str] = []
    for label in labels:
        long = bool(shown) and len(shown[-1]) + len(label) > MOST_LETTERS
        shown.append("" if long else label)
    return shown


def _line(colour: str) -> dict[str, Any]:
    return {"color": colour, "linewidth": 1.1, "marker": "o", "markersize": 2.4}


def _sizes(tables: Tables, rows: pd.DataFrame) -> list[int]:
    """The number of networks at each level."""
    counts = rows.groupby("level")["key"].nunique()
    return [int(counts.get(level, 0)) for level in tables.levels]


def legend_of_levels(figure: Figure, tables: Tables) -> None:
    """The colours of the levels, and chance."""
    handles = [
        Line2D([], [], label=f"{level:g}", **_line(colour))
        for level, colour in shades(tables).items()
    ]
    handles.append(Line2D([], [], label="chance", **CHANCE))
    if any(
        memoryless_score(task) is not None
        for task in trained_on(tables.networks).values()
    ):
        handles.append(Line2D([], [], label="without memory", **WITHOUT_MEMORY))
    figure.legend(
        handles=handles,
        loc="outside upper left",
        ncols=min(len(handles), 8),
        title="level of heterogeneity in training",
        alignment="left",
        title_fontproperties={"weight": "bold", "size": 8.5},
    )


def _caption(tables: Tables, rows: pd.DataFrame) -> str:
    kept, every = rows["key"].nunique(), len(tables.networks)
    uneven = any(
        not level_positions(own["grade"].unique())[1]
        for _, own in rows.groupby(["perturbation", "settings"])
    )
    return sentences(
        "Markers: mean accuracy of the frozen networks that met the criterion "
        f"({kept} here; {every} networks in the study), vertical lines: 95 % Student t "
        "interval for that mean over networks, cut at 0 and 1. Dashed: chance; dotted: "
        "the best score without a memory, where that is above chance. "
        "n: networks behind a line, from the fewest to the most over levels; a level "
        "without one has no line. Levels are set slightly apart at each grade.",
        "Where grades are very uneven they stand evenly spaced." if uneven else "",
        MEMORY,
    )
