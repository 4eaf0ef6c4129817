"""Alike in accuracy, apart in activity and weights? Pairs of networks of one task."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from popnet.metrics import METRICS
from popnet.report.conditions import evenly
from popnet.report.perturbations import heading
from popnet.report.population import numbers
from popnet.report.registry_words import metric_kind
from popnet.report.sections import Drawing, Section, sentences
from popnet.report.statistics import SEED, quartiles
from popnet.report.style import CATEGORIES, FAINT, INK, SOFT, WIDTH
from popnet.studies.heterogeneity.layout import in_order
from popnet.studies.heterogeneity.tables import Tables

MOST_POINTS = 150
MOST_METRICS = 3
WITHIN, AGAIN, BEFORE, UNRELATED = (
    "trained",
    "trained again from the same draw",
    "untrained",
    "units shuffled",
)
GROUPS = {
    WITHIN: CATEGORIES[0],
    AGAIN: CATEGORIES[1],
    BEFORE: SOFT,
    UNRELATED: FAINT,
}
PLACES = {WITHIN: -0.3, AGAIN: -0.1, BEFORE: 0.1, UNRELATED: 0.3}


def degeneracy(tables: Tables) -> Section:
    """Accuracies beside distances, a row for each task."""
    title = "Degeneracy"
    pairs = paired(tables)
    if pairs.empty:
        words = (
            "Left out: no two networks of one task that met the criterion were "
            "compared."
        )
        return Section("degeneracy", title, words)
    figure = _draw(tables, pairs)
    lost = len(tables.networks) - len(tables.met)
    most = int(pairs.groupby(["metric", "settings", "task", "group"]).size().max())
    text = sentences(
        "Left: accuracy of each frozen network that met the criterion. Other "
        "panels: distance between the two networks of a pair, both of one condition "
        "(the row's task, one level, one configuration). "
        "Points: pairs; white dot: median; dark bar: interquartile range.",
        "Nulls: a network and itself, trained again from the same draw under other "
        "trials, noise and impulses; the networks before training; and networks whose "
        "units are shuffled. Other pairs of one index start from the same draws and "
        "are left out; pairs that share a network are not independent.",
        f"No more than {MOST_POINTS} pairs of a strip are drawn as points, evenly "
        "through its sorted values; medians and bars are over all."
        if most > MOST_POINTS
        else "",
        f"Without the {lost} networks that did not meet the criterion." if lost else "",
    )
    drawing = Drawing("degeneracy", figure, "Accuracies and distances.", text)
    return Section("degeneracy", title, drawings=[drawing])


def paired(tables: Tables) -> pd.DataFrame:
    """metric, settings, task, group, value: pairs of seeds of which both learned."""
    pairs = tables.pairs
    counted = (pairs["seed_a"] != pairs["seed_b"]) | pairs["retrained"]
    known = counted & pairs["same"] & pairs["value"].notna()
    pairs = pairs[known & ~pairs["failed"].astype(bool)]
    group = np.where(pairs["retrained"], AGAIN, WITHIN)
    group = np.where(pairs["untrained"], BEFORE, group)
    group = np.where(pairs["shuffled"], UNRELATED, group)
    nulls = pairs["untrained"] | pairs["shuffled"]
    pairs, group = (x[~(pairs["retrained"] & nulls)] for x in (pairs, group))
    found = pairs.assign(group=group)[["metric", "settings", "task", "group", "value"]]
    return found.reset_index(drop=True)


def _draw(tables: Tables, pairs: pd.DataFrame) -> Figure:
    order = list(METRICS)
    shown = sorted(
        set(zip(pairs["metric"], pairs["settings"], strict=True)),
        key=lambda entry: (order.index(entry[0]), entry[1]),
    )[:MOST_METRICS]
    tasks = in_order(tables)
    height = 0.75 * len(tasks) + 1.4
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(1, 1 + len(shown), sharey=True)
    _accuracies(axes[0], tables)
    generator = np.random.default_rng(SEED)
    for place, (metric, settings) in zip(axes[1:], shown, strict=True):
        asked = pairs[(pairs["metric"] == metric) & (pairs["settings"] == settings)]
        for y, task in enumerate(tasks):
            own = asked[asked["task"] == task]
            for group, colour in GROUPS.items():
                values = own.loc[own["group"] == group, "value"].to_numpy(float)
                _strip(place, y + PLACES[group], values, colour, group, generator)
        words, given = heading(metric, settings)
        place.set_title(words)
        detail = f"\n({given})" if given else ""
        unit = " (rad)" if metric == "trajectories" else ""
        place.set_xlabel(f"{metric_kind(metric)}{unit}{detail}")
        place.grid(axis="x")
    axes[0].set_yticks(range(len(tasks)), [_row(task) for task in tasks])
    axes[0].set_ylim(len(tasks) - 0.5, -0.5)
    for place in axes:
        place.tick_params(axis="y", length=0)
        place.spines["left"].set_visible(False)
        for y in range(1, len(tasks)):
            place.axhline(y - 0.5, color="#e7eaee", linewidth=0.8)
    _legend(figure)
    return figure


def _row(task: str) -> str:
    return task.replace("_", "\n")


def _accuracies(axes: Axes, tables: Tables) -> None:
    generator = np.random.default_rng(SEED)
    for y, task in enumerate(in_order(tables)):
        own = tables.met[tables.met["task"] == task]
        values = numbers(own["accuracy"])
        values = values[np.isfinite(values)]
        _strip(axes, y, values, INK, "networks", generator, most=len(values) + 2)
    axes.set_title("accuracy")
    axes.set_xlabel("share of trials correct")
    low = axes.get_xlim()[0]
    axes.set_xlim(low, 1 + 0.03 * (1 - low))
    axes.grid(axis="x")


def _strip(
    axes: Axes,
    y: float,
    values: np.ndarray,
    colour: str,
    label: str,
    generator: np.random.Generator,
    *,
    most: int = MOST_POINTS,
) -> None:
    if not values.size:
        return
    points = np.array(evenly(list(np.sort(values)), most))
    lift = generator.permutation(np.linspace(-0.1, 0.1, len(points)))
    axes.plot(points, y + lift, label=label, **_point(colour))
    low, median, high = quartiles(values)
    axes.plot([low, high], [y, y], color=INK, linewidth=1.8, zorder=4)
    axes.plot([median], [y], **_ring())


def _point(colour: str) -> dict[str, Any]:
    return {
        "linestyle": "none",
        "marker": "o",
        "markersize": 2.3,
        "markeredgewidth": 0,
        "color": colour,
        "alpha": 0.55,
    }


def _ring() -> dict[str, Any]:
    return {
        "marker": "o",
        "markersize": 5,
        "markerfacecolor": "white",
        "markeredgecolor": INK,
        "markeredgewidth": 1.3,
        "zorder": 5,
    }


def _legend(figure: Figure) -> None:
    large: dict[str, Any] = {"markersize": 5}
    handles = [
        Line2D([], [], label=f"pairs: {group}", **(_point(colour) | large))
        for group, colour in GROUPS.items()
    ]
    handles.append(
        Line2D([], [], color=INK, linewidth=1.8, label="median, quartiles", **_ring())
    )
    figure.legend(handles=handles, loc="outside upper left", ncols=4)
