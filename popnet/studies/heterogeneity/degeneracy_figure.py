"""Alike in accuracy, apart in activity and weights? Pairs of networks of one task."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from popnet.report.conditions import evenly
from popnet.report.population import numbers
from popnet.report.registry_words import metric_kind
from popnet.report.sections import Drawing, Section, sentences
from popnet.report.statistics import SEED, quartiles
from popnet.report.style import CATEGORIES, INK, SOFT, WIDTH
from popnet.studies.heterogeneity.data import Study

MOST_POINTS = 150
MOST_METRICS = 3
FIRST = ("behaviour", "trajectories", "weights")
WITHIN, BETWEEN, BEFORE = (
    "trained, within a condition",
    "trained, between conditions",
    "untrained",
)
GROUPS = {WITHIN: CATEGORIES[0], BETWEEN: CATEGORIES[1], BEFORE: SOFT}
PLACES = {WITHIN: -0.26, BETWEEN: 0.0, BEFORE: 0.26}


def degeneracy(study: Study) -> Section:
    """Accuracies beside distances, a row for each task."""
    title = "Degeneracy"
    pairs = paired(study)
    if pairs.empty:
        words = (
            "Left out: no two networks of one task that met the criterion were "
            "compared."
        )
        return Section("degeneracy", title, words)
    metrics = sorted(
        dict.fromkeys(pairs["metric"]),
        key=lambda m: (*(not m.startswith(name) for name in FIRST), m),
    )[:MOST_METRICS]
    figure = _draw(study, pairs, metrics)
    lost = study.networks["key"].nunique() - study.met["key"].nunique()
    most = int(pairs.groupby(["metric", "task", "group"]).size().max())
    text = sentences(
        "Left: accuracy of each frozen network that met the criterion. Other "
        "panels: distance between the two networks of a pair, both of the row's task. "
        "Points: pairs; white dot: median; dark bar: interquartile range.",
        "A condition is one level in one configuration. Untrained: the same networks "
        "before training, the distance that chance alone gives. Pairs of one index "
        "start from the same draws and are left out; pairs that share a network are "
        "not independent.",
        f"No more than {MOST_POINTS} pairs of a strip are drawn as points, evenly "
        "through its sorted values; medians and bars are over all."
        if most > MOST_POINTS
        else "",
        f"Without the {lost} networks that did not meet the criterion." if lost else "",
    )
    drawing = Drawing("degeneracy", figure, "Accuracies and distances.", text)
    return Section("degeneracy", title, drawings=[drawing])


def paired(study: Study) -> pd.DataFrame:
    """metric, task, group, value: pairs of one task and of different indices."""
    table = study.population.comparisons
    columns = ["metric", "task", "group", "value"]
    if table.empty or study.networks.empty:
        return pd.DataFrame(columns=columns)
    met = study.met.set_index("key")[["task", "condition", "index"]]
    both = table.join(met.add_suffix("_a"), on="key_a", how="inner")
    both = both.join(met.add_suffix("_b"), on="key_b", how="inner")
    alike = (both["task_a"] == both["task_b"]) & (both["index_a"] != both["index_b"])
    both = both[alike & both["value"].notna()]
    named = [untrained_apart(name) for name in both["metric"]]
    within = (both["condition_a"] == both["condition_b"]).to_numpy()
    group = [
        BEFORE if before else WITHIN if same else BETWEEN
        for (_, before), same in zip(named, within, strict=True)
    ]
    metric = [name for name, _ in named]
    found = both.assign(metric=metric, task=both["task_a"], group=group)
    return found[columns].reset_index(drop=True)


def untrained_apart(metric: str) -> tuple[str, bool]:
    """ "weights(align=false,untrained=true)" as "weights(align=false)" and true."""
    name, _, inside = metric.rstrip(")").partition("(")
    settings = [part.strip() for part in inside.split(",") if part.strip()]
    before = [part for part in settings if re.fullmatch(r"(?i)untrained=true", part)]
    kept = [part for part in settings if not part.startswith("untrained=")]
    return f"{name}({', '.join(kept)})" if kept else name, bool(before)


def _draw(study: Study, pairs: pd.DataFrame, metrics: list[str]) -> Figure:
    height = 0.75 * len(study.tasks) + 1.4
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(1, 1 + len(metrics), sharey=True)
    _accuracies(axes[0], study)
    generator = np.random.default_rng(SEED)
    for place, metric in zip(axes[1:], metrics, strict=True):
        for y, task in enumerate(study.tasks):
            own = pairs[(pairs["metric"] == metric) & (pairs["task"] == task)]
            for group, colour in GROUPS.items():
                values = own.loc[own["group"] == group, "value"].to_numpy(float)
                _strip(place, y + PLACES[group], values, colour, group, generator)
        name = untrained_apart(metric)[0]
        words, _, settings = name.rstrip(")").partition("(")
        place.set_title(words)
        detail = f"\n({settings})" if settings else ""
        unit = " (rad)" if words == "trajectories" else ""
        place.set_xlabel(f"{metric_kind(metric)}{unit}{detail}")
        place.grid(axis="x")
    axes[0].set_yticks(range(len(study.tasks)), [_row(task) for task in study.tasks])
    axes[0].set_ylim(len(study.tasks) - 0.5, -0.5)
    for place in axes:
        place.tick_params(axis="y", length=0)
        place.spines["left"].set_visible(False)
        for y in range(1, len(study.tasks)):
            place.axhline(y - 0.5, color="#e7eaee", linewidth=0.8)
    _legend(figure)
    return figure


def _row(task: str) -> str:
    return task.replace("_", "\n")


def _accuracies(axes: Axes, study: Study) -> None:
    generator = np.random.default_rng(SEED)
    for y, task in enumerate(study.tasks):
        own = study.met[study.met["task"] == task]
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
