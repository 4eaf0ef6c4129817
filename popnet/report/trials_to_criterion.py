"""Trials to criterion: every network a point, failures at the cap."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from popnet.report.conditions import NamedCondition, axis_title, evenly, facets, wrapped
from popnet.report.population import (
    STATUSES,
    RunTables,
    needed_quartiles,
    trials_needed,
)
from popnet.report.sections import Drawing, Section, left_out, sentences
from popnet.report.style import (
    FAINT,
    SOFT,
    WIDTH,
    dot,
    failure,
    panels,
    thousands,
)
from popnet.status import Status

MOST_IN_PANEL = 12
MOST_PANELS = 24
TICK = 14  # characters of a condition's name that fit under its place
MOST_STEPS = 8  # conditions whose shares of converged networks fit in one panel
SYMBOLS: dict[str, str] = {
    Status.UNCONVERGED: "△",
    Status.DIVERGED: "\N{MULTIPLICATION SIGN}",
    Status.STOPPED: "□",
}
LOG_ABOVE = 8  # a cap this many times the median leaves no room on a linear axis


def convergence(population: RunTables) -> Section:
    """The section on how long networks took to learn."""
    title = "Trials to criterion"
    networks = _points(population)
    if networks.empty:
        words = (
            "Nothing was trained to a criterion yet: `train.until` asks for one, and "
            "this figure then shows when each network met it."
        )
        return Section("convergence", title, words)
    present = set(networks["condition"])
    recorded = [c for c in population.conditions if c.id in present]
    groups = facets(recorded, MOST_IN_PANEL)
    return Section("convergence", title, drawings=[_draw(population, networks, groups)])


def _points(population: RunTables) -> pd.DataFrame:
    """The networks with how far aside each mark stands: the same for one index."""
    networks = trials_needed(population)
    if networks.empty:
        return networks
    index = networks["index"].to_numpy(float)
    # steps of the golden ratio spread any run of indices evenly
    return networks.assign(shift=((index + 1) * 0.618034 % 1 - 0.5) * 0.46)


def _draw(
    population: RunTables, networks: pd.DataFrame, groups: list[list[NamedCondition]]
) -> Drawing:
    shown = evenly(groups, MOST_PANELS)
    stepped = len(shown) == 1 and len(shown[0]) <= MOST_STEPS
    figure, all_axes = _panels(shown, stepped=stepped)
    named_by = axis_title(population.varied, shown[0])
    paired = named_by != "condition" and len(population.run.varied) == 1
    marks, columns = all_axes[: len(shown)], _columns(shown)
    for i, (axes, group) in enumerate(zip(marks, shown, strict=True)):
        _panel(axes, group, networks, paired=paired)
        axes.set_xlabel(axis_title(population.varied, group))
        axes.set_title(wrapped(group[0].facet, 40))
        if i % columns == 0:
            axes.set_ylabel("trials to criterion")
    log = _scale(marks, networks)
    if stepped:
        _shares(all_axes[-1], shown[0], networks)
    figure.suptitle(_failed(networks), x=0.01, ha="left", fontsize=8.5, color=SOFT)
    text = _caption(population, networks, shown, paired=paired, stepped=stepped)
    text += " The vertical axis is logarithmic." if log else ""
    return Drawing("trials_to_criterion", figure, "Trials to criterion.", text)


def _columns(shown: list[list[NamedCondition]]) -> int:
    widest = max(len(group) for group in shown)
    return max(1, min(3, len(shown), int(WIDTH // (0.9 + 0.55 * widest))))


def _panels(
    shown: list[list[NamedCondition]], *, stepped: bool
) -> tuple[Figure, list[Axes]]:
    """One panel for each group; beside a single one, a panel for the shares."""
    if stepped:
        figure = Figure(figsize=(WIDTH, 4.0), layout="constrained")
        return figure, list(figure.subplots(1, 2, width_ratios=[1.25, 1]))
    height = 4.0 if len(shown) == 1 else 2.6
    return panels(len(shown), _columns(shown), height, sharey=True)


def _panel(
    axes: Axes, group: Sequence[NamedCondition], networks: pd.DataFrame, *, paired: bool
) -> None:
    rows = {c.id: networks[networks["condition"] == c.id] for c in group}
    if paired:
        _pairs(axes, [rows[c.id] for c in group])
    for x, condition in enumerate(group):
        own = rows[condition.id]
        _box(axes, x, own, condition.colour)
        for status, marks in own.groupby("status"):
            well, colour = status == Status.CONVERGED, condition.colour
            style = dot(colour) if well else failure(str(status), colour)
            axes.plot(
                x + marks["shift"].to_numpy(float),
                marks["needed"].to_numpy(float),
                label=str(status),
                linestyle="none",
                clip_on=False,
                zorder=4,
                **style,
            )
    axes.set_xlim(-0.6, len(group) - 0.4)
    axes.set_xticks(range(len(group)), [_tick(c, rows[c.id]) for c in group])
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y")


def _box(axes: Axes, x: int, own: pd.DataFrame, colour: str) -> None:
    """Median and quartiles, and the cap as a dashed line."""
    low, median, high = (quantile.trials for quantile in needed_quartiles(own))
    axes.fill_between(
        [x - 0.33, x + 0.33], low, high, color=colour, alpha=0.16, linewidth=0
    )
    axes.hlines(median, x - 0.33, x + 0.33, color=colour, linewidth=2.4, zorder=3)
    for cap in own["cap"].unique():
        axes.hlines(
            cap, x - 0.5, x + 0.5, color=SOFT, linewidth=0.9, linestyle=(0, (4, 3))
        )


def _pairs(axes: Axes, tables: list[pd.DataFrame]) -> None:
    """Thin lines between neighbouring conditions for the networks of one index."""
    for x, (here, there) in enumerate(pairwise(tables)):
        both = here.merge(there, on="index", suffixes=("", "_next"))
        axes.plot(
            np.stack([x + both["shift"], x + 1 + both["shift_next"]]),
            np.stack([both["needed"], both["needed_next"]]),
            color=FAINT,
            linewidth=0.7,
            zorder=1,
        )


def _tick(condition: NamedCondition, own: pd.DataFrame) -> str:
    met = int((own["status"] == Status.CONVERGED).sum())
    return f"{wrapped(condition.tick, TICK)}\n{met}/{len(own)}"


def _scale(all_axes: list[Axes], networks: pd.DataFrame) -> bool:
    """Set the vertical axes; true if they are logarithmic."""
    needed = networks["needed"]
    log = needed.min() > 0 and needed.max() > LOG_ABOVE * needed.median()
    for axes in all_axes:
        if log:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_minor_formatter(NullFormatter())
        else:
            axes.set_ylim(0, 1.04 * max(needed.max(), networks["cap"].max()))
        axes.yaxis.set_major_formatter(thousands)
    return bool(log)


def _shares(
    axes: Axes, group: Sequence[NamedCondition], networks: pd.DataFrame
) -> None:
    """The share of networks that had met the criterion after so many trials."""
    end = float(networks["cap"].max())
    for condition in group:
        own = networks[networks["condition"] == condition.id]
        met = np.sort(
            own.loc[own["status"] == Status.CONVERGED, "needed"].to_numpy(float)
        )
        share = np.arange(len(met) + 1) / len(own)
        axes.step(
            [0, *met, end],
            [*share, share[-1]],
            where="post",
            color=condition.colour,
            linewidth=1.8,
            label=condition.id,
        )
    axes.set_ylim(0, 1.04)
    axes.set_xlim(0, end * 1.02)
    axes.xaxis.set_major_formatter(thousands)
    axes.set_xlabel("trials seen")
    axes.set_ylabel("share of networks that met the criterion")
    axes.grid(axis="both")


def _failed(networks: pd.DataFrame) -> str:
    """The number of marks drawn at the cap, by status of the network."""
    count = networks["status"].value_counts()
    failed = [
        f"{SYMBOLS.get(str(status), '□')} {STATUSES.get(str(status), str(status))}: {n}"
        for status, n in count.sort_index().items()
        if status != Status.CONVERGED
    ]
    where = (
        "At the cap" if Status.STOPPED not in count else "At the cap, or where stopped"
    )
    return f"{where}   {'   '.join(failed)}" if failed else ""


def _caption(
    population: RunTables,
    networks: pd.DataFrame,
    shown: list[list[NamedCondition]],
    *,
    paired: bool,
    stepped: bool,
) -> str:
    failed = int(networks["failed"].sum())
    bound = any(
        quantile.bound
        for _, own in networks.groupby("condition")
        for quantile in needed_quartiles(own)
    )
    drawn = [c.label for group in shown for c in group]
    halted = (networks["status"] == Status.STOPPED).any()
    square = "; square: stopped by the search, where it then was" * bool(halted)
    return sentences(
        f"Every mark is one network ({len(networks)} in all), moved aside by its index "
        "(the same in every condition). Thick bar: median; shaded: interquartile "
        "range; dashed: the cap. Under each condition: networks that met the "
        "criterion / networks recorded.",
        f"The {failed} that did not are drawn at the cap (triangle: not converged; "
        f"cross: diverged{square}) and enter median and quartiles there."
        if failed
        else "All of them met it.",
        "Where such networks decide a bar or an edge of the shading, the true value "
        "lies above what is drawn."
        if bound
        else "",
        "Grey lines join networks of the same index, which start from the same draws."
        if paired
        else "",
        "Right: the share of a condition's networks that had met the criterion after "
        "so many trials, failures included in the whole; colours as on the left."
        if stepped
        else "",
        left_out(drawn, [c.label for c in population.conditions], "conditions"),
    )
