"""Every network of a panel as a dot at its level, a configuration's median through."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike
from scipy.stats import binom

from popnet.report.perturbations import level_positions
from popnet.report.population import LEARNED, STATUSES, numbers
from popnet.report.statistics import CONFIDENCE, Quartiles
from popnet.report.style import INK, SOFT, WIDTH, failure
from popnet.status import Status
from popnet.studies.heterogeneity.layout import colours
from popnet.studies.heterogeneity.tables import Tables

BESIDE = 0.84  # the part of the way to the next level that a level's marks may fill
MARK = 2.6
MEDIAN = "median"
WELL = Status.CONVERGED
LEVEL_WORDS = {
    "network.tau_s.degree": "degree of heterogeneity of time constants",
    "network.tau_s.spread": "spread of time constants (level)",
}

CAPTION = (
    "Small marks: one network each (open triangle: criterion not met; cross: "
    "diverged). Ringed dot: median over all of them, joined across levels; vertical "
    "bar: its distribution-free 95 % interval, from order statistics (drawn from six "
    "networks up)."
)


def median_interval(values: ArrayLike) -> Quartiles:
    """The median of the finite values, between the ends of its 95 % interval.

    The k-th smallest and the k-th largest of n values hold the population's median
    with probability 1 - 2 P(B <= k - 1), B binomial(n, 1/2), whatever the
    distribution; k is the largest for which that is at least 0.95.  With fewer than
    six values there is none, and the ends are NaN.
    """
    finite = np.sort(np.asarray(values, dtype=float))
    finite = finite[np.isfinite(finite)]
    count = finite.size
    if count == 0:
        return Quartiles(np.nan, np.nan, np.nan)
    middle = float(np.median(finite))
    k = int(binom.ppf((1 - CONFIDENCE) / 2, count, 0.5))
    if k < 1:
        return Quartiles(np.nan, middle, np.nan)
    return Quartiles(float(finite[k - 1]), middle, float(finite[count - k]))


def grid(
    rows: int, columns: int, height: float, *, sharey: bool = True, margin: float = 1.0
) -> tuple[Figure, np.ndarray]:
    """Panels in `rows` x `columns` that share the scale of their row."""
    size = (WIDTH, rows * height + margin)
    figure = Figure(figsize=size, layout="constrained")
    share = "row" if sharey else False
    return figure, figure.subplots(rows, columns, squeeze=False, sharey=share)


def strips(axes: Axes, tables: Tables, table: pd.DataFrame, column: str) -> None:
    """Draw a column of networks against their level, configurations slightly apart."""
    places, step = _places(tables)
    lanes = colours(tables)
    count = len(lanes)
    lane = BESIDE * step / count
    table = table.sort_values(["level", "seed"], kind="stable")
    for i, (configuration, colour) in enumerate(lanes.items()):
        own = table[table["configuration"] == configuration]
        away = (i - (count - 1) / 2) * lane
        _dots(axes, own, column, places, away, lane, colour)
        _medians(axes, tables, own, column, places, away, colour)
    level_axis(axes, tables)


def level_axis(axes: Axes, tables: Tables) -> None:
    """Levels in order, at their own value unless they are very uneven."""
    places, step = _places(tables)
    where = list(places.values())
    axes.set_xticks(where, [short(level) for level in tables.levels])
    axes.set_xlim(where[0] - 0.55 * step, where[-1] + 0.55 * step)
    axes.grid(axis="y")


def short(number: float) -> str:
    """A number on a crowded axis: ".2", with a real minus sign."""
    text = f"{number:g}"
    text = text.replace("0.", ".", 1) if abs(number) < 1 else text
    return text.replace("-", "\N{MINUS SIGN}")


def label_levels(figure: Figure, tables: Tables) -> None:
    """Label the levels once, below all the panels."""
    name = LEVEL_WORDS.get(tables.level_name, tables.level_name)
    figure.supxlabel(name, fontsize=8.5, color=INK)


def legend(figure: Figure, tables: Tables, *, also: list[Line2D] | None = None) -> None:
    """One legend for the figure: configurations, then the marks of failures."""
    handles = [
        Line2D([], [], color=colour, label=name or "median", **_median_mark(colour))
        for name, colour in colours(tables).items()
    ]
    present = set(tables.networks["status"])
    for status in (Status.UNCONVERGED, Status.DIVERGED):
        if status in present:
            style = failure(status, SOFT, 5.0)
            handles.append(
                Line2D([], [], linestyle="none", label=STATUSES[status], **style)
            )
    handles += also or []
    figure.legend(
        handles=handles,
        loc="outside upper left",
        ncols=min(len(handles), 5),
        handlelength=2.2,
        columnspacing=1.8,
    )


def place_of(tables: Tables, level: ArrayLike) -> np.ndarray:
    """Positions of levels on the axis."""
    places, _ = _places(tables)
    return np.array([places[float(v)] for v in np.atleast_1d(np.asarray(level))])


def _places(tables: Tables) -> tuple[dict[float, float], float]:
    positions, _ = level_positions(tables.levels)
    step = float(np.diff(positions).min()) if len(positions) > 1 else 1.0
    return dict(zip(tables.levels, positions.tolist(), strict=True)), step


def _dots(
    axes: Axes,
    own: pd.DataFrame,
    column: str,
    places: dict[float, float],
    away: float,
    lane: float,
    colour: str,
) -> None:
    index = own["seed"].to_numpy(float)
    # steps of the golden ratio spread any run of indices evenly
    aside = ((index + 1) * 0.618034 % 1 - 0.5) * 0.8 * lane
    x = own["level"].map(places).to_numpy(float) + away + aside
    y = numbers(own[column])
    status = own["status"].where(~own["status"].isin(LEARNED), WELL).to_numpy()
    for fate in sorted(set(status[np.isfinite(y)])):
        here = (status == fate) & np.isfinite(y)
        # a fate without a mark is not drawn: an empty line upsets the layout
        axes.plot(x[here], y[here], label=fate, **_mark(fate, colour))


def _mark(status: str, colour: str) -> dict[str, Any]:
    """A network's small mark; one that failed is drawn over the edge of the panel."""
    plain: dict[str, Any] = {"linestyle": "none", "zorder": 2}
    if status != WELL:
        own = failure(status, colour, MARK + 0.8)
        edge = {"markeredgewidth": 0.8, "clip_on": False, "alpha": 0.75}
        return plain | own | edge
    return plain | {
        "marker": "o",
        "markersize": MARK,
        "markeredgewidth": 0,
        "color": colour,
        "alpha": 0.5,
    }


def _medians(
    axes: Axes,
    tables: Tables,
    own: pd.DataFrame,
    column: str,
    places: dict[float, float],
    away: float,
    colour: str,
) -> None:
    found = [
        median_interval(numbers(own.loc[own["level"] == level, column]))
        for level in tables.levels
    ]
    low, middle, high = np.array(found, dtype=float).T
    x = np.array(list(places.values())) + away
    here = np.isfinite(middle)
    axes.vlines(x, low, high, color=colour, linewidth=1.5, zorder=4)
    axes.plot(
        x[here],
        middle[here],
        color=colour,
        label=MEDIAN,
        zorder=5,
        **_median_mark(colour),
    )


def _median_mark(colour: str) -> dict[str, Any]:
    return {
        "linewidth": 1.0,
        "marker": "o",
        "markersize": 4.2,
        "markerfacecolor": colour,
        "markeredgecolor": "white",
        "markeredgewidth": 0.8,
    }
