"""Heat maps: level by level of time constants, task by task."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from popnet.report.heatmap import accuracy_bar, heatmap
from popnet.report.population import numbers
from popnet.report.registry_words import chance, task_of
from popnet.report.sections import Drawing, Section, sentences
from popnet.report.style import INK, SOFT, WIDTH, panels
from popnet.studies.heterogeneity.layout import in_order, titled
from popnet.studies.heterogeneity.tables import REDRAWN, Tables, redrawn_level
from popnet.studies.heterogeneity.tasks import RELATED
from popnet.studies.heterogeneity.trained_tasks import trained_on

OWN = "own"
MOST_BESIDE = 7  # tasks; with more the two maps stand above each other
PARTS = (
    ("accuracy", "accuracy"),
    ("flipped_accuracy", "accuracy, sign of the output flipped"),
)


def tau_matrix(tables: Tables) -> Section:
    """Accuracy by level in training and level of newly drawn time constants."""
    title = "Time constants drawn anew"
    rows = tables.perturbed[~tables.perturbed["failed"].astype(bool)]
    rows = rows[(rows["perturbation"] == REDRAWN) & (rows["grade"] > 0)]
    if rows.empty:
        words = f"Left out: no network was tested with `{REDRAWN}`."
        return Section("tau_matrix", title, words)
    rows = rows.assign(tested=[redrawn_level(s) for s in rows["settings"]])
    drawings = []
    for configuration in tables.configurations:
        own = rows[rows["configuration"] == configuration]
        if own.empty:
            continue
        suffix = f"_{len(drawings) + 1}" if drawings else ""
        named = f", {configuration}" if configuration else ""
        drawings.append(
            Drawing(
                f"tau_matrix{suffix}",
                _tau_maps(tables, own, configuration),
                f"Level in training and level in the test{named}.",
                "Number and colour: mean accuracy over the frozen networks that met "
                "the criterion. Rows: level they were trained at (n: networks). "
                f"Columns: “{OWN}”, their own time constants; then all time constants "
                "drawn anew at that level. Outlined: both levels alike. White: chance.",
            )
        )
    return Section("tau_matrix", title, drawings=drawings)


def _tau_maps(tables: Tables, rows: pd.DataFrame, configuration: str) -> Figure:
    height = 0.6 + 0.27 * len(tables.levels)
    tasks, known = in_order(tables), trained_on(tables.networks)
    columns = 3 if len(tasks) != 4 else 2
    figure, all_axes = panels(len(tasks), columns, height, margin=1.0)
    tested = sorted(rows["tested"].dropna().unique())
    met = tables.met[tables.met["configuration"] == configuration]
    for i, (axes, task) in enumerate(zip(all_axes, tasks, strict=True)):
        here = rows[rows["task"] == task]
        own = met[met["task"] == task]
        wide = here.pivot_table(index="level", columns="tested", values="accuracy")
        wide = wide.reindex(index=tables.levels, columns=tested)
        wide.insert(0, OWN, own.groupby("level")["accuracy"].mean())
        heatmap(axes, wide.to_numpy(float), chance(known[task]), notes=True)
        counts = own["level"].value_counts()
        labels = [f"{v:g}  (n = {counts.get(v, 0)})" for v in tables.levels]
        axes.set_yticks(range(len(labels)), labels, fontsize=7.5)
        axes.set_xticks(range(len(tested) + 1), [OWN, *(f"{v:g}" for v in tested)])
        for y, level in enumerate(tables.levels):
            for x, other in enumerate(tested, start=1):
                if np.isclose(level, other):
                    _outline(axes, x, y)
        axes.axvline(0.5, color="white", linewidth=3.5)
        axes.set_title(titled(tables, task, 40), fontsize=8)
        if i % columns == 0:
            axes.set_ylabel("level in training")
        if i >= len(all_axes) - columns:
            axes.set_xlabel("level in the test")
    accuracy_bar(figure, all_axes, "top", {chance(known[task]) for task in tasks})
    return figure


def transfer(tables: Tables) -> Section:
    """Accuracy on every task of networks trained on one, unchanged."""
    title = "Transfer to other tasks"
    rows = tables.tested[~tables.tested["failed"].astype(bool)]
    if rows["own"].all():
        words = "Left out: no network that met the criterion was tried on another task."
        return Section("transfer", title, words)
    tasks = in_order(tables)
    tested = [*tasks, *sorted(set(rows["tested"]) - set(tasks))]
    where = "Right" if len(tested) <= MOST_BESIDE else "Below"
    text = sentences(
        "Number and colour: mean over the networks that met the criterion (n: at all "
        "levels and in all configurations) of the share of trials answered correctly "
        "by the frozen network. Rows: task of training; columns: task of the test. "
        "White is chance. Heavy frame: the task of training; dashed frame: pairs "
        "called related.",
        f"{where}: as if the sign of the output were flipped, so that a task whose "
        " rule is the reverse scores high.",
    )
    drawing = Drawing(
        "transfer", _transfer_maps(tables, rows, tested), "Accuracy on each task.", text
    )
    return Section("transfer", title, drawings=[drawing])


def _transfer_maps(tables: Tables, rows: pd.DataFrame, tested: list[str]) -> Figure:
    beside = len(tested) <= MOST_BESIDE
    tasks = in_order(tables)
    height = 1.3 + 0.42 * len(tasks)
    size = (WIDTH, height if beside else 2 * height)
    figure = Figure(figsize=size, layout="constrained")
    both = figure.subplots(1 if beside else 2, 2 if beside else 1).ravel()
    counts = tables.met["task"].value_counts()
    entries = zip(rows["tested"], rows["name"], rows["settings"], strict=True)
    known = trained_on(tables.networks) | {
        t: task_of(name, given) for t, name, given in entries
    }
    chances = [chance(known[task]) for task in tested]
    for i, (axes, (column, words)) in enumerate(zip(both, PARTS, strict=True)):
        wide = _means(rows, column).reindex(index=tasks, columns=tested)
        heatmap(axes, wide.to_numpy(float), chances, notes=True)
        names = [_short(name) for name in tested]
        axes.set_xticks(range(len(tested)), names, fontsize=7.5)
        axes.xaxis.tick_top()
        labels = [f"{_short(task, ' ')}\n(n = {counts.get(task, 0)})" for task in tasks]
        shown = labels if i == 0 or not beside else []
        axes.set_yticks(range(len(shown)), shown, fontsize=7.5)
        axes.set_title(words, pad=10)
        _frames(axes, tables, tested)
        if shown:
            axes.set_ylabel("trained on")
    accuracy_bar(figure, list(both), "right", set(chances))
    return figure


def _means(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    values = rows.assign(value=numbers(rows[column]))
    return values.pivot_table(index="task", columns="tested", values="value")


def _short(name: str, between: str = "\n") -> str:
    return re.sub("_", between, name)


def _frames(axes: Axes, tables: Tables, tested: list[str]) -> None:
    for y, task in enumerate(in_order(tables)):
        for x, other in enumerate(tested):
            if task == other:
                _outline(axes, x, y)
            elif (task, other) in RELATED:
                _outline(axes, x, y, dashed=True)


def _outline(axes: Axes, x: int, y: int, *, dashed: bool = False) -> None:
    axes.add_patch(
        Rectangle(
            (x - 0.46, y - 0.44),
            0.92,
            0.88,
            fill=False,
            edgecolor=SOFT if dashed else INK,
            linewidth=1.2 if dashed else 1.4,
            linestyle=(0, (3, 1.5)) if dashed else "solid",
        )
    )
