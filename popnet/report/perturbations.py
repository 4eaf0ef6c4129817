"""Accuracy under each perturbation against its level."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from popnet.canonical import label_of
from popnet.report.conditions import NamedCondition, axis_title, evenly, facets, wrapped
from popnet.report.heatmap import accuracy_bar, heatmap
from popnet.report.population import RunTables, networks_behind, numbers
from popnet.report.registry_words import (
    chance,
    level_title,
    memoryless_score,
    own_task,
)
from popnet.report.sections import Drawing, Section, left_out, sentences, span
from popnet.report.statistics import mean_interval
from popnet.report.style import MARKERS, SOFT, WIDTH, panels

MOST_LINES = 8
MOST_PANELS = 24
MOST_ROWS = 60
Entry = tuple[str, str]
"""A perturbation's name and settings, as tables hold them."""
UNEVEN = 0.08  # the smallest gap, as a part of the axis, that leaves room for labels


def robustness(population: RunTables) -> Section:
    """The section on perturbations of trained networks."""
    title = "Accuracy under perturbation"
    table = population.evaluations
    if not table.empty:
        table = table[table["kind"] == "perturbation"]
    rows = population.averages(table) if not table.empty else table
    if rows.empty:
        words = (
            "No perturbation was recorded yet: `after.perturb` asks for them, as a "
            "list of names and levels."
        )
        return Section("robustness", title, words)
    conditions = population.conditions
    names = list(dict.fromkeys(zip(rows["name"], rows["settings"], strict=True)))
    groups = facets(conditions, MOST_LINES)
    as_lines = len(groups) == len({c.facet for c in conditions})
    if as_lines and len(groups) * len(names) <= MOST_PANELS:
        drawing = _lines(population, rows, names, groups)
    else:
        drawing = _maps(population, rows, names, conditions)
    return Section("robustness", title, drawings=[drawing])


def level_positions(levels: ArrayLike) -> tuple[np.ndarray, bool]:
    """Positions of the levels on the axis, and whether they are the levels themselves.

    Levels so uneven that their labels would overlap stand evenly instead.
    """
    values = np.sort(np.asarray(levels, dtype=float))
    gaps = np.diff(values)
    if gaps.size and gaps.min() / (values[-1] - values[0]) < UNEVEN:
        return np.arange(values.size, dtype=float), False
    return values, True


def heading(name: str, settings: str = "{}") -> tuple[str, str]:
    """A perturbation's name in words, and its settings: "impulses", "gain=2".

    ``settings``: as JSON, as tables hold them.
    """
    return name.replace("_", " "), label_of("", settings)[1:-1]


def _rows_of(rows: pd.DataFrame, entry: Entry) -> pd.DataFrame:
    return rows[(rows["name"] == entry[0]) & (rows["settings"] == entry[1])]


def task_baselines(
    population: RunTables,
) -> tuple[dict[str, float], dict[str, float | None]]:
    """Accuracies, by condition, of guessing and without a memory on its task."""
    firsts = population.networks.drop_duplicates("condition").to_dict("records")
    tasks = {str(row["condition"]): own_task(row) for row in firsts}
    chances = {condition: chance(task) for condition, task in tasks.items()}
    return chances, {name: memoryless_score(task) for name, task in tasks.items()}


def _listed(values: Iterable[float]) -> str:
    return ", ".join(f"{value:.3g}" for value in sorted(set(values)))


def _dotted(without: dict[str, float | None]) -> str:
    """The words of the caption on the lines of scores without a memory."""
    scores = [score for score in without.values() if score is not None]
    words = "; dotted: the best score without a memory of what came before the last"
    return f"{words} stimulus ({_listed(scores)})" if scores else ""


def _lines(
    population: RunTables,
    rows: pd.DataFrame,
    names: list[Entry],
    groups: list[list[NamedCondition]],
) -> Drawing:
    count = len(names) * len(groups)
    columns = len(groups) if 1 < len(groups) <= 4 else 2 if count in (2, 4) else 3
    width = WIDTH if count > 1 else 6.4
    figure, all_axes = panels(count, columns, 2.55, width=width, sharey=True)
    wanted = [(name, group) for name in names for group in groups]
    chances, without = task_baselines(population)
    uneven = False
    low = float(rows["accuracy"].min())
    for i, (axes, (name, group)) in enumerate(zip(all_axes, wanted, strict=True)):
        uneven |= _panel(axes, name, group, _rows_of(rows, name))
        facet = wrapped(group[0].facet, 96 // columns)
        axes.set_title("\n".join(filter(None, [*heading(*name), facet])))
        for values, dashes in ((chances, (0, (4, 3))), (without, ":")):
            for value in {values[condition.id] for condition in group}:
                if value is not None:
                    axes.axhline(value, color=SOFT, linewidth=0.9, linestyle=dashes)
        if i % columns == 0:
            axes.set_ylabel("accuracy")
    all_axes[0].set_ylim(max(-0.03, min(0.4, low - 0.06)), 1.03)
    _legend(population, figure, groups, rows)
    text = sentences(
        "Markers: mean over networks of the share of trials answered correctly by the "
        "frozen network; bars: 95 % Student t interval for that mean, cut at 0 and 1 "
        f"(n in the legend); dashed: chance ({_listed(chances.values())})"
        f"{_dotted(without)}. Level 0 is the unperturbed network.",
        "Conditions are set slightly apart at each level.",
        "Where levels are very uneven they stand evenly spaced." if uneven else "",
        population.excluded,
    )
    return Drawing("perturbations", figure, "Accuracy under perturbation.", text)


def _panel(
    axes: Axes, name: Entry, group: Sequence[NamedCondition], rows: pd.DataFrame
) -> bool:
    """One perturbation, one line per condition; true where levels stand evenly."""
    levels = np.sort(rows["level"].unique())
    positions, true_scale = level_positions(levels)
    step = float(np.diff(positions).min()) if len(positions) > 1 else 1.0
    for i, condition in enumerate(group):
        own = rows[rows["condition"] == condition.id]
        values = [
            mean_interval(numbers(own.loc[own["level"] == v, "accuracy"]))
            for v in levels
        ]
        mean, low, high, _ = np.array(values, dtype=float).T
        away = (i - (len(group) - 1) / 2) * min(0.09, 0.5 / len(group)) * step
        here = ~np.isnan(mean)
        axes.plot(
            (positions + away)[here],
            mean[here],
            label=condition.id,
            **_line(condition, i),
        )
        axes.vlines(positions + away, low, high, color=condition.colour, linewidth=1.2)
    axes.set_xticks(positions, [f"{v:g}" for v in levels])
    axes.set_xlim(positions[0] - 0.5 * step, positions[-1] + 0.5 * step)
    axes.set_xlabel(level_title(name[0]))
    axes.grid(axis="y")
    return not true_scale


def _line(condition: NamedCondition, place: int) -> dict[str, Any]:
    marker = MARKERS[place % len(MARKERS)]
    size = {"markersize": 4.2, "linewidth": 1.4}
    return {"color": condition.colour, "marker": marker, **size}


def _legend(
    population: RunTables,
    figure: Figure,
    groups: list[list[NamedCondition]],
    rows: pd.DataFrame,
) -> None:
    """One entry for each colour, with the number of networks behind it."""
    group = max(groups, key=len)
    sizes = networks_behind(rows, population.conditions)
    handles, labels = [], []
    for i, condition in enumerate(group):
        alike = [c for g in groups for c in g if c.colour == condition.colour]
        said = {population.note(c, sizes[c.id]) for c in alike}
        note = said.pop() if len(said) == 1 else "in part: see caption"
        handles.append(Line2D([], [], **_line(condition, i)))
        name = condition.tick.replace("\n", ", ")
        count = f"n = {span(sizes[c.id] for c in alike)}"
        labels.append(f"{name}  ({', '.join(filter(None, [count, note]))})")
    figure.legend(
        handles,
        labels,
        loc="outside upper left",
        ncols=min(len(labels), 4),
        title=axis_title(population.varied, group) or None,
        alignment="left",
        title_fontproperties={"weight": "bold", "size": 8.5},
        handlelength=2.4,
        columnspacing=1.8,
    )


def _maps(
    population: RunTables,
    rows: pd.DataFrame,
    names: list[Entry],
    conditions: list[NamedCondition],
) -> Drawing:
    """Too many conditions for lines: one heat map per perturbation."""
    chances, _ = task_baselines(population)
    shown = evenly(conditions, MOST_ROWS)
    drawn = names[:MOST_PANELS]
    columns = min(3, len(drawn))
    height = 0.7 + 0.17 * len(shown)
    figure, all_axes = panels(len(drawn), columns, height)
    sizes = networks_behind(rows, conditions)
    notes = {c.id: population.note(c, sizes[c.id]) for c in shown}
    named = [c.label + (f" ({notes[c.id]})" if notes[c.id] else "") for c in shown]
    for i, (axes, name) in enumerate(zip(all_axes, drawn, strict=True)):
        own = _rows_of(rows, name)
        wide = own.pivot_table(index="condition", columns="level", values="accuracy")
        wide = wide.reindex([c.id for c in shown])
        at_chance = np.array([[chances[c.id]] for c in shown])
        heatmap(axes, wide.to_numpy(float), at_chance, notes=False)
        axes.set_xticks(range(wide.shape[1]), [f"{v:g}" for v in wide.columns])
        labels = named if i % columns == 0 else []
        axes.set_yticks(range(len(labels)), labels, fontsize=6.5)
        axes.set_title("\n".join(filter(None, heading(*name))))
        axes.set_xlabel(level_title(name[0]))
    accuracy_bar(figure, all_axes, "top", set(chances.values()))
    text = sentences(
        f"Colour: mean accuracy over the networks of a condition "
        f"(n = {span(sizes.values())}); rows: conditions; columns: levels, evenly "
        "spaced. Level 0 is the unperturbed network. With so many conditions lines "
        "and their intervals would cover each other, so intervals are not drawn.",
        population.excluded,
        left_out([c.label for c in shown], [c.label for c in conditions], "conditions"),
        left_out(_labels(drawn), _labels(names), "perturbations"),
    )
    return Drawing("perturbations", figure, "Accuracy under perturbation.", text)


def _labels(entries: list[Entry]) -> list[str]:
    return [label_of(*entry) for entry in entries]
