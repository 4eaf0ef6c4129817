"""Draws the speed and steadiness of learning against heterogeneity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from popnet.config import MeasureSettings
from popnet.report.population import numbers
from popnet.report.sections import Drawing, Section, sentences
from popnet.report.statistics import quartiles
from popnet.report.style import SOFT, thousands
from popnet.studies.heterogeneity import measured
from popnet.studies.heterogeneity.layout import MEMORY, across, families, titled
from popnet.studies.heterogeneity.strips import (
    CAPTION,
    grid,
    label_levels,
    legend,
    place_of,
    strips,
)
from popnet.studies.heterogeneity.tables import Tables

CAP: dict[str, Any] = {"color": SOFT, "linewidth": 0.9, "linestyle": (0, (4, 3))}
DOTTED: dict[str, Any] = {"color": SOFT, "linewidth": 1.1, "linestyle": (0, (2, 2))}
BEFORE = "untrained"
NARROW = 0.5  # of the largest value: a scale from 0 would squeeze what is above this
Shown = dict[str, type[MeasureSettings]]
"""Measures by the column that holds them."""


def learning(tables: Tables) -> Section:
    """Trials to criterion: memory tasks above, memoryless tasks below."""
    title = "Learning"
    networks = tables.networks
    if not np.isfinite(networks["needed"]).any():
        words = "Left out: no network was trained to a criterion."
        return Section("learning", title, words)
    rows = families(tables)
    figure, axes = grid(len(rows), max(map(len, rows)), 2.5)
    kept: list[Axes] = []
    for row, family in zip(axes, rows, strict=True):
        kept += list(row[: len(family)])
        for place, task in zip(row, family, strict=False):
            own = networks[networks["task"] == task]
            strips(place, tables, own, "needed")
            for cap in own["cap"].dropna().unique():
                place.axhline(cap, **CAP)
            place.set_title(titled(tables, task, 24))
            met = int((own["needed"].notna() & ~own["failed"]).sum())
            said = f"{met} of {len(own)} met it"
            where: dict[str, Any] = {"transform": place.transAxes, "ha": "right"}
            place.text(0.98, 0.02, said, color=SOFT, fontsize=8, **where)
        for spare in row[len(family) :]:
            spare.remove()
        row[0].set_ylabel("trials to criterion")
    _log_trials(kept, networks)
    label_levels(figure, tables)
    legend(figure, tables, also=[Line2D([], [], label="cap", **CAP)])
    text = _learning_text(networks)
    drawing = Drawing("learning", figure, "Trials to criterion.", text)
    return Section("learning", title, drawings=[drawing])


def _learning_text(networks: pd.DataFrame) -> str:
    drawn = networks[np.isfinite(networks["needed"])]
    failed = int(drawn["failed"].sum())
    return sentences(
        f"Each of the {len(drawn)} networks with a criterion is drawn.",
        CAPTION,
        f"Dashed: the cap of training. The {failed} networks that did not meet the "
        "criterion, or lost it by diverging, stand at the cap and enter the median "
        "there, so that a median or an interval at the cap is a lower bound."
        if failed
        else "All of them met the criterion. Dashed: the cap of training.",
        "In each panel: how many networks met the criterion. The vertical axis is "
        "logarithmic.",
        MEMORY,
    )


def _log_trials(all_axes: list[Axes], networks: pd.DataFrame) -> None:
    low = float(networks["needed"].min()) / 1.25
    high = float(max(networks["needed"].max(), networks["cap"].max())) * 1.15
    ticks = [m * 10**e for e in range(7) for m in (1, 2, 5)]
    for axes in all_axes:
        axes.set_yscale("log")
        axes.set_ylim(max(low, 0.5), high)
        axes.yaxis.set_major_locator(
            FixedLocator([t for t in ticks if low <= t <= high])
        )
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(thousands)
        axes.yaxis.set_minor_formatter(NullFormatter())


def learning_errors(tables: Tables) -> Section:
    """Error while learning in four numbers per network, tasks beside each other."""
    title, table = "Error dynamics", tables.networks
    curves = measured.of_curves()
    if not table[[*curves]].notna().any(axis=None):
        words = "Left out: no error curves were recorded."
        return Section("error_dynamics", title, words)
    # those on a logarithmic axis stand last
    shown = {n: curves[n] for n in sorted(curves, key=lambda name: curves[name].log)}
    text = sentences(
        CAPTION,
        "Mean error over training: the area under the error curve, per trial. "
        "Relapses: how often the accuracy of the last 100 trials fell 0.1 below the "
        "criterion after it was met. Residual error: mean of the last 500 trials. "
        "Variance: of the error after the criterion (logarithmic axis).",
        MEMORY,
        missing_values(table, shown),
    )
    drawings = panels(tables, table, shown, "error_dynamics", "Error dynamics.", text)
    return Section("error_dynamics", title, drawings=drawings)


def missing_values(table: pd.DataFrame, shown: Shown) -> str:
    """The sentence on networks that a measure is not defined for; "" if none."""
    counts = {
        one.label.replace("\n", " "): int((~np.isfinite(numbers(table[name]))).sum())
        for name, one in shown.items()
    }
    parts = [f"{name} ({n})" for name, n in counts.items() if n]
    total = len(table)
    if not parts:
        return ""
    return f"Not defined, so not drawn, for some of the {total}: {', '.join(parts)}."


def panels(
    tables: Tables,
    table: pd.DataFrame,
    wanted: Shown,
    name: str,
    title: str,
    text: str,
    before: pd.DataFrame | None = None,
) -> list[Drawing]:
    """Measures in rows, tasks in columns; a second figure where tasks are many.

    `before`: the same measures of the untrained networks, for a line of reference.
    """
    drawings = []
    shown = {n: o for n, o in wanted.items() if np.isfinite(numbers(table[n])).any()}
    for part, tasks in enumerate(across(tables)):
        figure, axes = grid(len(shown), len(tasks), 1.45)
        for y, (column, one) in enumerate(shown.items()):
            for place, task in zip(axes[y], tasks, strict=True):
                own = table[table["task"] == task]
                strips(place, tables, own, column)
                if before is not None and column in before:
                    reference(place, tables, before[before["task"] == task], column)
                place.tick_params(labelsize=7, labelbottom=y == len(shown) - 1)
            axes[y, 0].set_ylabel(one.label, fontsize=8)
            _scale(axes[y], numbers(table[column]), log=one.log)
        for place, task in zip(axes[0], tasks, strict=True):
            place.set_title(titled(tables, task), fontsize=8.5)
        figure.align_ylabels(axes[:, 0])
        label_levels(figure, tables)
        line = [] if before is None else [Line2D([], [], label=BEFORE, **DOTTED)]
        legend(figure, tables, also=line)
        suffix = f"_{part + 1}" if part else ""
        drawings.append(Drawing(f"{name}{suffix}", figure, title, text))
    return drawings


def reference(axes: Axes, tables: Tables, before: pd.DataFrame, column: str) -> None:
    """The median over the untrained networks of each level, as a dotted line."""
    middle = [
        quartiles(numbers(before.loc[before["level"] == level, column])).median
        for level in tables.levels
    ]
    axes.plot(place_of(tables, tables.levels), middle, label=BEFORE, **DOTTED)


def _scale(row: np.ndarray, values: np.ndarray, *, log: bool) -> None:
    """From 0, unless all values lie far from it in a narrow band."""
    values = values[np.isfinite(values)]
    if log and (values > 0).all():
        for axes in row:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.yaxis.set_minor_formatter(NullFormatter())
    elif 0 <= values.min() < NARROW * values.max():
        row[0].set_ylim(bottom=0)
