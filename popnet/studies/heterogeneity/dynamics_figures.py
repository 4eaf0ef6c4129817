"""The activity and weights of networks, against heterogeneity and over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from popnet.report.sections import Drawing, Section, sentences
from popnet.report.statistics import quartiles
from popnet.report.style import INK
from popnet.studies.heterogeneity import measured
from popnet.studies.heterogeneity.layout import MEMORY, across, shades, titled
from popnet.studies.heterogeneity.learning_figures import (
    BEFORE,
    DOTTED,
    missing_values,
    panels,
)
from popnet.studies.heterogeneity.strips import CAPTION, grid
from popnet.studies.heterogeneity.tables import Tables


def dynamics(tables: Tables) -> Section:
    """Dimension, speed, distance, memory and weights of the trained networks."""
    title, table = "Dynamics", tables.networks
    shown = measured.of_activity() | measured.of_weights()
    trained = at_rest(tables, "trained")
    if not len(trained):
        shown = measured.of_weights()
    if not np.isfinite(table[[*shown]].astype(float)).any(axis=None):
        return Section("dynamics", title, "Left out: no activity was recorded.")
    text = sentences(
        CAPTION,
        "Measured on rates averaged over the trials of one type, of the trained "
        "network on its own task. Distance: mean over pairs of trial types and over "
        "the trial, per √unit. Autocorrelation time: the lag at which the mean "
        "autocorrelation of the units falls to 1/e. Dotted: median over the same "
        "networks before training."
        if len(trained)
        else "",
        MEMORY,
        missing_values(table, shown),
    )
    untrained = at_rest(tables, "untrained")
    before = None if untrained.empty else untrained
    title_of = "Dynamics and weights."
    drawings = panels(tables, table, shown, "dynamics", title_of, text, before)
    words = "" if len(trained) else "No activity was recorded: weights only."
    return Section("dynamics", title, words, drawings)


def distance_over_time(tables: Tables) -> Section:
    """The distance between trial types at each moment of the trial."""
    title = "Distance between trial types over time"
    anchor = "distance_over_time"
    trained = at_rest(tables, "trained")
    trained = trained[~trained["failed"].astype(bool)]
    if trained.empty:
        words = "Left out: no activity of a network that met the criterion was recorded"
        return Section(anchor, title, f"{words}.")
    untrained = at_rest(tables, "untrained")
    drawings = []
    for part, tasks in enumerate(across(tables)):
        figure = _traces(tables, trained, untrained, tasks)
        suffix = f"_{part + 1}" if part else ""
        text = sentences(
            "Line: median over the networks of a level that met the criterion, of the "
            "distance between the trial-averaged rates of two trial types (mean over "
            "pairs of types, per √unit).",
            "Dotted: median over the untrained networks of all levels."
            if len(untrained)
            else "",
            "Rows: configurations." if len(tables.configurations) > 1 else "",
            MEMORY,
            "Quartiles are not drawn, for they would cover each other: the spread "
            "over networks of the mean distance is in the figure before.",
        )
        drawings.append(Drawing(f"{anchor}{suffix}", figure, f"{title}.", text))
    return Section(anchor, title, drawings=drawings)


def at_rest(tables: Tables, state: str) -> pd.DataFrame:
    """The activity at rest, a row for each network."""
    rows = tables.resting
    return rows[rows["state"] == state].drop_duplicates("key")


def _traces(
    tables: Tables, trained: pd.DataFrame, untrained: pd.DataFrame, tasks: list[str]
) -> Figure:
    rows, colours = tables.configurations, shades(tables)
    figure, axes = grid(len(rows), len(tasks), 1.75, margin=0.9)
    for y, configuration in enumerate(rows):
        for x, task in enumerate(tasks):
            place: Axes = axes[y, x]
            for level in tables.levels:
                own = _of(trained, task, configuration)
                time_s, middle = _median_trace(own[own["level"] == level])
                place.plot(
                    time_s,
                    middle,
                    color=colours[level],
                    linewidth=1.3,
                    label=f"{level:g}",
                )
            if len(untrained):
                before = _median_trace(_of(untrained, task, configuration))
                place.plot(*before, label=BEFORE, **DOTTED)
            place.grid(axis="y")
            place.tick_params(labelsize=7, labelbottom=y == len(rows) - 1)
        label = "distance (per √unit)"
        name = f"{configuration}\n" if configuration else ""
        axes[y, 0].set_ylabel(f"{name}{label}", fontsize=8)
        axes[y, 0].set_ylim(bottom=0)  # last, for it ends the fitting to the data
        for place in axes[y]:
            place.set_xlim(left=0)
    for place, task in zip(axes[0], tasks, strict=True):
        place.set_title(titled(tables, task), fontsize=8.5)
    figure.supxlabel("time in the trial (s)", fontsize=8.5, color=INK)
    _level_legend(figure, tables, untrained=bool(len(untrained)))
    return figure


def _level_legend(figure: Figure, tables: Tables, *, untrained: bool) -> None:
    handles = [
        Line2D([], [], color=colour, linewidth=2, label=f"{level:g}")
        for level, colour in shades(tables).items()
    ]
    handles += [Line2D([], [], label=BEFORE, **DOTTED)] if untrained else []
    figure.legend(
        handles=handles,
        loc="outside upper left",
        ncols=min(len(handles), 8),
        title="level of heterogeneity in training",
        alignment="left",
        title_fontproperties={"weight": "bold", "size": 8.5},
    )


def _of(table: pd.DataFrame, task: str, configuration: str) -> pd.DataFrame:
    here = (table["task"] == task) & (table["configuration"] == configuration)
    return table[here]


def _median_trace(own: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Time in seconds (middle of each bin) and the median over networks."""
    column = own[measured.over_time()]
    traces = [np.asarray(t, float) for t in column if t is not None]
    if not traces:
        return np.empty(0), np.empty(0)
    bins = min(map(len, traces))  # a variable delay gives trials of several lengths
    stacked = np.stack([t[:bins] for t in traces])
    bin_s = float(own["bin_s"].iloc[0])
    middle = np.array([quartiles(column).median for column in stacked.T])
    return (np.arange(bins) + 0.5) * bin_s, middle
