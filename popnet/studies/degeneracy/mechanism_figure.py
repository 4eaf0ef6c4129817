"""Slow modes of a few networks along each factor, and their overlaps."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from popnet.report.sections import Drawing, Section, left_out
from popnet.report.style import INK, palette, panels
from popnet.studies.degeneracy.factors import Family, level_words
from popnet.studies.degeneracy.layout import task_words
from popnet.studies.degeneracy.mechanism import EACH, MODES, STATES
from popnet.studies.degeneracy.tables import DegeneracyTables

MOST_PANELS = 12
ACROSS = 4
DRAWN_OF = {
    "modulus": (
        "Modulus of the slowest eigenvalues",
        "Of the map of one time step; 1 (grey line): kept for ever.",
    ),
    "input_overlap": (
        "Overlap of slow modes with the inputs",
        "Cosine of a mode's left eigenvector and the span of the inputs.",
    ),
    "readout_overlap": (
        "Overlap of slow modes with the readout",
        "Cosine of a mode's right eigenvector and the span of the readout.",
    ),
}


def mechanism(tables: DegeneracyTables) -> Section:
    """The slow modes at the ends of trials, a panel for each factor and task."""
    title = "Mechanism: slow modes"
    known = set(tables.modes["condition"])
    families = [f for f in tables.families if known & set(f.conditions)]
    if not families:
        words = "Left out: no network was linearised."
        return Section("mechanism", title, words)
    names = [f"{f.factor.name}, {task_words(f.task)}" for f in families]
    missing = left_out(names[:MOST_PANELS], names, "families")
    about = (
        f"Line: a network, of the first {EACH} of a condition; colour: the level, dark "
        f"to light. Linearised at the last steps of {STATES} trials (means over them). "
    )
    drawings = []
    for number, (column, (words, what)) in enumerate(DRAWN_OF.items(), start=1):
        name = "mechanism" if number == 1 else f"mechanism_{number}"
        figure = _figure(tables, families[:MOST_PANELS], column)
        figure.supylabel(words[0].lower() + words[1:], fontsize=8.5, color=INK)
        text = f"{what} {about}{missing}".strip()
        drawings.append(Drawing(name, figure, f"{words}.", text))
    return Section("mechanism", title, drawings=drawings)


def _figure(tables: DegeneracyTables, families: list[Family], column: str) -> Figure:
    figure, all_axes = panels(len(families), ACROSS, 2.0, sharex=True, sharey=True)
    for axes, family in zip(all_axes, families, strict=True):
        _panel(axes, tables, family, column)
    figure.supxlabel("mode, slowest first", fontsize=8.5, color=INK)
    return figure


def _panel(axes: Axes, tables: DegeneracyTables, family: Family, column: str) -> None:
    tones = palette(max(2, len(family.levels)), ordered=True)
    levels = zip(family.conditions, family.levels, tones, strict=False)
    for condition, level, tone in levels:
        own = tables.modes[tables.modes["condition"] == condition]
        words = level_words(level)
        for _, rows in own.groupby("key"):
            axes.plot(rows["rank"], rows[column], color=tone, linewidth=1, label=words)
            words = "_"  # one entry of the legend for all of them
    if column == "modulus":
        axes.axhline(1.0, color="#c3c8d0", linewidth=0.8, zorder=0)
    axes.set_xticks(np.arange(1, MODES + 1))
    axes.set_title(f"{task_words(family.task)},\n{family.factor.name}", fontsize=7.5)
    axes.legend(fontsize=6.5, handlelength=1)
