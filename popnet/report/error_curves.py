"""Error while learning: one panel per condition, every network in it."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from popnet.analysis.learning_curves import population_curve
from popnet.report.conditions import NamedCondition, evenly, wrapped
from popnet.report.population import LEARNED, STATUSES, RunTables
from popnet.report.registry_words import error_of
from popnet.report.sections import Drawing, Section, left_out, sentences
from popnet.report.style import FAINT, SOFT, WIDTH, dot, failure, panels, thousands
from popnet.status import Status

MARKS = {
    Status.CONVERGED: "dot",
    Status.TRAINED: "dot",
    Status.UNCONVERGED: "open triangle",
    Status.DIVERGED: "open cross",
    Status.STOPPED: "open square",
}
"""The mark at the end of a network's curve, in words."""
MOST_PANELS = 24
MOST_OTHERS = 12  # medians of other conditions that do not cover the panel's own
MOST_LINES = 40  # single networks in one panel; more only blacken it


def error_curves(population: RunTables) -> Section:
    """The section on how error falls while networks learn."""
    title = "Error while learning"
    if population.curves.empty:
        words = (
            "No error curves were recorded yet: networks record them while they "
            "train, for as long as `train.trials` allows."
        )
        return Section("curves", title, words)
    present = set(population.curves["condition"])
    recorded = [c for c in population.conditions if c.id in present]
    return Section("curves", title, drawings=[_draw(population, recorded)])


def _draw(population: RunTables, recorded: list[NamedCondition]) -> Drawing:
    shown = evenly(recorded, MOST_PANELS)
    bands = {c.id: _band(population, c) for c in shown}
    columns = {1: 1, 2: 2, 4: 2}.get(len(shown), 3 if len(shown) <= 9 else 4)
    width = WIDTH if columns > 1 else 6.4
    height = {1: 3.4, 2: 2.9}.get(columns, 2.3 if columns == 3 else 1.9)
    top, hidden = _top(population.curves)
    figure, all_axes = panels(
        len(shown), columns, height, width=width, sharex=True, sharey=True
    )
    for axes, condition in zip(all_axes, shown, strict=True):
        for other in shown if len(shown) <= MOST_OTHERS else []:
            median = bands[other.id]["median"]
            axes.plot(median.index, median, color=FAINT, linewidth=1.0, zorder=1)
        own = population.curves[population.curves["condition"] == condition.id]
        _singles(axes, condition, own, top)
        _summary(axes, condition, bands[condition.id])
        count = own["key"].nunique()
        size = 9 if columns < 4 else 8
        axes.set_title(wrapped(condition.label, 96 // columns), fontsize=size)
        place = {"transform": axes.transAxes, "ha": "right", "va": "top"}
        axes.text(0.98, 0.97, f"n = {count}", color=SOFT, **place)
        axes.grid(axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(thousands)
    all_axes[0].set_ylim(0, top)
    all_axes[0].set_xlim(0, float(population.curves["trial"].max()) * 1.02)
    figure.supxlabel("trials seen", fontsize=8.5)
    figure.supylabel(_error(population), fontsize=8.5)
    text = _caption(population, recorded, shown, hidden)
    return Drawing("error_curves", figure, "Error while learning.", text)


def condition_figures(population: RunTables) -> Iterator[tuple[str, Figure]]:
    """One small figure per condition, for its run in MLflow: (file stem, figure)."""
    if population.curves.empty:
        return
    top, _ = _top(population.curves)
    present = set(population.curves["condition"])
    for condition in (c for c in population.conditions if c.id in present):
        figure, (axes,) = panels(1, 1, 3.0, width=5.2)
        own = population.curves[population.curves["condition"] == condition.id]
        _singles(axes, condition, own, top)
        _summary(axes, condition, _band(population, condition))
        axes.set_title(f"{condition.label} (n = {own['key'].nunique()})", fontsize=9)
        axes.set_ylim(0, top)
        axes.set_xlabel("trials seen")
        axes.set_ylabel(_error(population))
        axes.grid(axis="y")
        axes.xaxis.set_major_formatter(thousands)
        yield f"condition_{condition.id}", figure


def _error(population: RunTables) -> str:
    return error_of(set(population.networks["task.name"]))


def _band(population: RunTables, condition: NamedCondition) -> pd.DataFrame:
    own = population.curves[population.curves["condition"] == condition.id]
    return population_curve(own[own["status"] != Status.DIVERGED], "error")


def _singles(
    axes: Axes, condition: NamedCondition, own: pd.DataFrame, top: float
) -> None:
    """Single networks, and at the end of each why it stopped there."""
    keys = evenly(list(own.sort_values("index")["key"].unique()), MOST_LINES)
    for key, curve in own[own["key"].isin(keys)].groupby("key", sort=False):
        curve = curve.sort_values("trial")
        axes.plot(
            curve["trial"],
            curve["error"],
            color=condition.colour,
            alpha=0.38,
            linewidth=0.7,
            label=str(key),
        )
        finite = curve[np.isfinite(curve["error"])]
        if finite.empty:
            continue
        status, colour = str(curve["status"].iloc[0]), condition.colour
        well = status in LEARNED
        axes.plot(
            finite["trial"].iloc[-1:],
            finite["error"].iloc[-1:].clip(upper=top),
            zorder=5,
            clip_on=False,
            **(dot(colour, 4.2) if well else failure(status, colour, 5.5)),
        )


def _summary(axes: Axes, condition: NamedCondition, band: pd.DataFrame) -> None:
    """Median and interquartile band over networks."""
    if band.empty:
        return
    trials = band.index.to_numpy(float)
    axes.fill_between(
        trials,
        band["q25"],
        band["q75"],
        color=condition.colour,
        alpha=0.2,
        linewidth=0,
        zorder=2,
    )
    axes.plot(
        trials,
        band["median"],
        color=condition.colour,
        linewidth=2.2,
        zorder=4,
        label="median",
    )


def _top(curves: pd.DataFrame) -> tuple[float, int]:
    """The end of the error axis, and the number of blocks that lie above it.

    Networks that diverge may leave every scale; they do not set this one.
    """
    finite = curves[np.isfinite(curves["error"])]
    steady = finite[finite["status"] != Status.DIVERGED]
    values = (steady if not steady.empty else finite)["error"]
    top = 1.08 * float(values.max()) if len(values) else 1.0
    top = top if top > 0 else 1.0
    return top, len(curves) - int((finite["error"] <= top).sum())


def _caption(
    population: RunTables,
    recorded: list[NamedCondition],
    shown: list[NamedCondition],
    hidden: int,
) -> str:
    sizes = population.curves.groupby("condition")["key"].nunique()
    ends = population.networks["status"].unique()
    marks = [f"{mark}, {STATUSES[s]}" for s, mark in MARKS.items() if s in ends]
    return sentences(
        f"Error: {_error(population)} in the scored window, averaged over each block "
        "of trials. Thick line: median over the networks of a condition; band: "
        "interquartile range; thin lines: single networks.",
        "Grey: medians of the other conditions."
        if 1 < len(shown) <= MOST_OTHERS
        else "",
        f"The mark at a network's end says why it stopped ({'; '.join(marks)}).",
        "A network that stopped is frozen, so its last block counts on in median and "
        "band.",
        "Diverged networks are drawn but in neither."
        if Status.DIVERGED in ends
        else "",
        f"{hidden} blocks lie above the axis or are not finite; a mark on the upper "
        "edge belongs to such a network."
        if hidden
        else "",
        f"At most {MOST_LINES} single networks are drawn in each panel."
        if sizes.max() > MOST_LINES
        else "",
        left_out([c.label for c in shown], [c.label for c in recorded], "conditions"),
    )
