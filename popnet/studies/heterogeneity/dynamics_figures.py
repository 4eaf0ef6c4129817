"""What a study's networks do: their activity, against heterogeneity and over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from popnet.report.population import numbers
from popnet.report.sections import Drawing, Section, sentences
from popnet.report.statistics import quartiles
from popnet.report.style import INK
from popnet.studies.heterogeneity.data import Study
from popnet.studies.heterogeneity.learning_figures import (
    BEFORE,
    DOTTED,
    Measure,
    measured,
    missing_values,
)
from popnet.studies.heterogeneity.strips import CAPTION, grid

MEASURES = [
    Measure("pca_dimension", "PCA dimension\n(90 % of variance)"),
    Measure("participation_ratio", "participation\nratio"),
    Measure("speed", "speed of the\ntrajectory (1/s)"),
    Measure("condition_distance", "distance between\ntrial types"),
    Measure("autocorrelation_s", "autocorrelation\ntime (s)"),
    Measure("weight_change", "weight change\n|ΔJ| / |J₀|"),
    Measure("spectral_radius", "spectral radius\nof J"),
]


def dynamics(study: Study) -> Section:
    """Dimension, speed, distance, memory and weights of the trained networks."""
    title = "Dynamics"
    trained = at_rest(study, "trained")
    if study.networks.empty:
        words = "Left out: no network was recorded."
        return Section("dynamics", title, words)
    words = "" if len(trained) else "No activity was recorded: weights only."
    columns = [m.column for m in MEASURES if m.column in trained]
    table = study.networks
    if len(trained):
        table = table.drop(columns=[c for c in columns if c in table])
        table = table.merge(trained[["key", *columns]], on="key", how="left")
    shown = [m for m in MEASURES if m.column in table]
    if not any(np.isfinite(numbers(table[m.column])).any() for m in shown):
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
        missing_values(table, shown),
    )
    untrained = at_rest(study, "untrained")
    before = None if untrained.empty else untrained
    title_of = "Dynamics and weights."
    drawings = measured(study, table, shown, "dynamics", title_of, text, before)
    return Section("dynamics", title, words, drawings)


def distance_over_time(study: Study) -> Section:
    """The distance between trial types at each moment of the trial."""
    title = "Distance between trial types over time"
    anchor = "distance_over_time"
    trained = at_rest(study, "trained")
    trained = trained[trained["key"].isin(study.met["key"])] if len(trained) else None
    if trained is None or trained.empty or "condition_distance_t" not in trained:
        words = "Left out: no activity of a network that met the criterion was recorded"
        return Section(anchor, title, f"{words}.")
    untrained = at_rest(study, "untrained")
    drawings = []
    for part, tasks in enumerate(study.across()):
        figure = _traces(study, trained, untrained, tasks)
        suffix = f"_{part + 1}" if part else ""
        text = sentences(
            "Line: median over the networks of a level that met the criterion, of the "
            "distance between the trial-averaged rates of two trial types (mean over "
            "pairs of types, per √unit).",
            "Dotted: median over the untrained networks of all levels."
            if len(untrained)
            else "",
            "Rows: configurations." if len(study.configurations) > 1 else "",
            "Quartiles are not drawn, for they would cover each other: the spread "
            "over networks of the mean distance is in the figure before.",
        )
        drawings.append(Drawing(f"{anchor}{suffix}", figure, f"{title}.", text))
    return Section(anchor, title, drawings=drawings)


def at_rest(study: Study, state: str) -> pd.DataFrame:
    """The rows of `dynamics` without a perturbation, on the own task."""
    table = study.dynamics
    if table.empty:
        return table
    table = study.joined(table[table["state"] == state])
    return table[table["name"] == ""].drop_duplicates("key")


def _traces(
    study: Study, trained: pd.DataFrame, untrained: pd.DataFrame, tasks: list[str]
) -> Figure:
    rows = study.configurations
    figure, axes = grid(len(rows), len(tasks), 1.75, margin=0.9)
    for y, configuration in enumerate(rows):
        for x, task in enumerate(tasks):
            place: Axes = axes[y, x]
            for level in study.levels:
                own = _of(trained, task, configuration)
                time_s, middle = _median_trace(own[own["level"] == level])
                place.plot(
                    time_s,
                    middle,
                    color=study.shades[level],
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
        place.set_title(study.titled(task), fontsize=8.5)
    figure.supxlabel("time in the trial (s)", fontsize=8.5, color=INK)
    _level_legend(figure, study, untrained=bool(len(untrained)))
    return figure


def _level_legend(figure: Figure, study: Study, *, untrained: bool) -> None:
    handles = [
        Line2D([], [], color=colour, linewidth=2, label=f"{level:g}")
        for level, colour in study.shades.items()
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
    traces = [
        np.asarray(t, float) for t in own["condition_distance_t"] if t is not None
    ]
    if not traces:
        return np.empty(0), np.empty(0)
    bins = min(map(len, traces))  # a variable delay gives trials of several lengths
    stacked = np.stack([t[:bins] for t in traces])
    bin_s = float(own["bin_s"].iloc[0])
    middle = np.array([quartiles(column).median for column in stacked.T])
    return (np.arange(bins) + 0.5) * bin_s, middle
