"""Degeneracy and feature learning against each factor, one figure per factor."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from popnet.analysis.intervals import jackknifed, mean_interval
from popnet.report.sections import Drawing, Section, sentences
from popnet.report.style import INK, SOFT, dot, panels
from popnet.studies.degeneracy import measured
from popnet.studies.degeneracy.claims import DRAWN
from popnet.studies.degeneracy.factors import Family
from popnet.studies.degeneracy.layout import by_factor, colours, level_axis, task_words
from popnet.studies.degeneracy.quantities import QUANTITIES, Networks, Quantity
from popnet.studies.degeneracy.tables import DegeneracyTables

LEVELS_OF = ("dynamics", "weights_paper", "weights_free", "behaviour")
BESIDE = ("mean_loss", "disagreement", "representations")
MOST_MEASURES = 8
ACROSS = 4
TICKS = 4
CAPTION = (
    "Dot: the number of one condition, of its networks that met their criterion; bar: "
    "its 95 % interval, jackknifed over seeds (a wide one leaves the panel). A "
    "line joins the levels of one task at which all other settings are equal."
)


def factors(tables: DegeneracyTables) -> Section:
    """The three kinds of degeneracy against every factor that is varied."""
    shown = [(name, QUANTITIES[name]) for name in (*LEVELS_OF, *BESIDE)]
    text = sentences(
        CAPTION,
        "Dashed: the same networks as they were drawn, which no training made. Weights "
        "per parameter: |A - PBP'| / N^2, the paper's; relative: over "
        "sqrt(|A|^2 + |B|^2).",
    )
    drawings = _drawings(tables, shown, "factors", text)
    title = "Degeneracy along each factor"
    if not drawings:
        return Section("factors", title, "Left out: no networks were compared.")
    return Section("factors", title, _lost(tables), drawings)


def learning(tables: DegeneracyTables) -> Section:
    """What says how strongly features were learned, and how flat the loss became."""
    title = "Feature learning and flatness"
    shown = [(name, QUANTITIES[name]) for name in ("change", "kernel")]
    known = measured.of_kernel(tables.networks)
    networks = tables.networks
    asked = measured.columns(networks, "network") | measured.columns(networks, "change")
    for column, one in asked.items():
        if column != known:
            words = one.label.replace("\n", " ") or column
            source = Networks(lambda _, column=column: column)
            shown.append((column, Quantity(words, source, one.log, 0.0)))
    text = sentences(
        CAPTION,
        "Change: of the recurrent weights by training. A lower alignment of the "
        "tangent kernels is richer learning.",
    )
    drawings = _drawings(tables, shown[:MOST_MEASURES], "learning", text)
    if not drawings:
        return Section("learning", title, "Left out: nothing was measured.")
    return Section("learning", title, drawings=drawings)


def _lost(tables: DegeneracyTables) -> str:
    failed = int(tables.networks["failed"].sum())
    if not failed:
        return f"All {len(tables.networks)} networks met their criterion."
    return (
        f"{failed} of {len(tables.networks)} networks did not meet their criterion; "
        "they are counted in the table of conditions, and compared with none."
    )


def _drawings(
    tables: DegeneracyTables,
    shown: Sequence[tuple[str, Quantity]],
    anchor: str,
    text: str,
) -> list[Drawing]:
    """A figure for each factor, with a panel for each quantity that there is."""
    drawings: list[Drawing] = []
    for families in by_factor(tables).values():
        known = [one for one in shown if _is_known(tables, families, one[1])]
        if not known:
            continue
        suffix = f"_{len(drawings) + 1}" if drawings else ""
        title = families[0].factor.words
        drawings.append(
            Drawing(
                f"{anchor}{suffix}",
                _figure(tables, families, known),
                f"Along {title}.",
                text,
            )
        )
    return drawings


def _is_known(
    tables: DegeneracyTables, families: list[Family], quantity: Quantity
) -> bool:
    conditions = [c for family in families for c in family.conditions]
    return any(
        np.isfinite(tables.estimate(quantity.source, c).whole) for c in conditions
    )


def _figure(
    tables: DegeneracyTables, families: list[Family], shown: list[tuple[str, Quantity]]
) -> Figure:
    figure, all_axes = panels(len(shown), ACROSS, 2.1, margin=0.8)
    tones = colours(tables)
    for axes, (name, quantity) in zip(all_axes, shown, strict=True):
        for family in families:
            _line(axes, tables, family, quantity, tones[family.task])
            if name in DRAWN:
                drawn = QUANTITIES[DRAWN[name]]
                _dashed(axes, tables, family, drawn, tones[family.task])
        _level_limits(axes, quantity)
        axes.set_title("\n".join(wrap(quantity.words, 26)), fontsize=8)
        axes.grid(axis="y")
        level_axis(axes, families)
    figure.supxlabel(families[0].factor.words, fontsize=8.5, color=INK)
    handles = [
        Line2D(
            [], [], label=task_words(f.task), color=tones[f.task], **dot(tones[f.task])
        )
        for f in families
    ]
    if any(name in DRAWN for name, _ in shown):
        handles.append(Line2D([], [], label="as drawn", color=SOFT, linestyle="--"))
    figure.legend(handles=handles, loc="outside upper left", ncols=5)
    return figure


def _level_limits(axes: Axes, quantity: Quantity) -> None:
    """Limits by the numbers themselves: a wide interval leaves the panel."""
    drawn = [np.asarray(line.get_ydata(), float) for line in axes.get_lines()]
    values = quantity.transformed(np.concatenate(drawn))
    values = values[np.isfinite(values)]
    if not len(values):
        return
    low, high = values.min(), values.max()
    margin = max(0.5 * (high - low), 0.2 if quantity.log else 0.1 * abs(high), 1e-9)
    if not quantity.log:
        axes.set_ylim(low - margin, high + margin)
        return
    axes.set_yscale("log", base=2)
    axes.set_ylim(2 ** (low - margin), 2 ** (high + margin))
    axes.yaxis.set_major_locator(FixedLocator(_round_ticks(*axes.get_ylim())))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def _round_ticks(low: float, high: float) -> list[float]:
    """About TICKS places from low to high, evenly apart in logarithms.

    Of 1, 2 and 5 times powers of 10, fewer of them or powers alone as the span is
    wider; where it holds less than two of these, places of two digits.
    """
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for parts in ((1, 2, 5), (1, 3), (1,)):
        places = [part * 10.0**power for power in powers for part in parts]
        places = [place for place in places if low <= place <= high]
        if len(places) <= TICKS + 1:
            break
    if len(places) >= 2:
        return places[:: max(1, round(len(places) / TICKS))]
    inner = np.geomspace(low, high, TICKS + 2)[1:-1]
    return [float(f"{place:.2g}") for place in inner]


def _line(
    axes: Axes,
    tables: DegeneracyTables,
    family: Family,
    quantity: Quantity,
    colour: str,
) -> None:
    """The quantity at every level, with its interval."""
    x, middle, low, high = [], [], [], []
    for place, condition in zip(family.x, family.conditions, strict=True):
        found = tables.estimate(quantity.source, condition)
        if not np.isfinite(found.whole):
            continue
        ends = condition_interval(found.whole, list(found.without.values()), quantity)
        x.append(place)
        middle.append(found.whole)
        low.append(ends[0])
        high.append(ends[1])
    axes.plot(x, middle, color=colour, linewidth=1.2, label=family.task, **dot(colour))
    axes.vlines(x, low, high, color=colour, linewidth=1.2)


def condition_interval(
    whole: float, without: list[float], quantity: Quantity
) -> tuple[float, float]:
    """The ends of the interval of 95 % of a condition's number, NaN without one."""
    both = quantity.transformed(np.array([whole, *without]))
    effect = mean_interval(jackknifed(both[0], both[1:]))
    if quantity.log:
        return float(2**effect.low), float(2**effect.high)
    return effect.low, effect.high


def _dashed(
    axes: Axes,
    tables: DegeneracyTables,
    family: Family,
    quantity: Quantity,
    colour: str,
) -> None:
    values = [tables.estimate(quantity.source, c).whole for c in family.conditions]
    axes.plot(family.x, values, color=colour, linewidth=1.0, linestyle="--")
