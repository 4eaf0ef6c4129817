"""Trajectories and fixed points of a few networks in the plane of their states."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from popnet.dynamics.points import Points
from popnet.engine.phase_portrait import Portrait, phase_portrait
from popnet.measures import PointsMeasure
from popnet.report.conditions import NamedCondition, evenly, wrapped
from popnet.report.population import RunTables
from popnet.report.sections import Drawing, Section, sentences, span
from popnet.report.style import CATEGORIES, FAINT, INK, WIDTH, panels
from popnet.store.parameters import params_of

MOST_NETWORKS = 4
MOST_INPUTS = 5  # odd: the middle one of an odd number is among them
MOST_STARTS, FEWEST_STARTS = 100, 10  # at each input; more would take minutes
LARGE = 150  # units: beyond, one network is drawn, from fewer starts
MOST_LINES, MOST_STEPS = 12, 100  # trials drawn, and points of each line
ABREAST = 3
FLOWING = CATEGORIES[4]


class Kind(NamedTuple):
    """A kind of point, and its mark."""

    words: str
    marker: str
    face: str
    edge: str


STABLE = Kind("stable", "o", CATEGORIES[2], "white")
SADDLE = Kind("saddle: one unstable direction", "X", CATEGORIES[1], "white")
UNSTABLE = Kind("two or more unstable directions", "^", "white", CATEGORIES[1])
SLOW = Kind("slow point, no root", "d", "white", INK)
KINDS = (STABLE, SADDLE, UNSTABLE, SLOW)


class PortrayedNetwork(NamedTuple):
    """A network of the figures."""

    key: str
    number: int
    condition: NamedCondition
    starts: int
    portrait: Portrait


def phase_portraits(population: RunTables) -> Section | None:
    """The section with fixed points; None where the sweep asks for no such measure."""
    asked = [
        m for m in population.run.sweep.after.measures if isinstance(m, PointsMeasure)
    ]
    if not asked:
        return None
    title, starts = "Fixed points", max(m.starts for m in asked)
    drawn = list(_portraits(population, min(starts, MOST_STARTS)))
    if not drawn:
        words = (
            "No network that stayed finite was recorded yet: the fixed points of a few "
            "will be drawn here."
        )
        return Section("fixed-points", title, words)
    groups = [[one] for one in drawn]
    if all(len(one.portrait.input_LI) == 1 for one in drawn):
        groups = [drawn]
    drawings = [_draw(population, group, at) for at, group in enumerate(groups)]
    return Section("fixed-points", title, drawings=drawings)


def _portraits(population: RunTables, starts: int) -> Iterator[PortrayedNetwork]:
    """Up to four networks that learned, of conditions as far apart as there are.

    Time grows with the third power of the number of units: of networks of more than
    150 only one is taken, and searches begin from fewer starts.
    """
    averaged = population.averages(population.networks)
    if averaged.empty:
        return
    own = {c.id: averaged[averaged["condition"] == c.id] for c in population.conditions}
    recorded = [c for c in population.conditions if len(own[c.id])]
    shown = evenly(recorded, MOST_NETWORKS)
    each = -(-MOST_NETWORKS // len(shown))
    rows = [(c, row) for c in shown for row in own[c.id].head(each).to_dict("records")]
    for condition, row in rows[:MOST_NETWORKS]:
        network = population.run.find(str(row["key"]))
        task, units = network.config.task, network.config.network.units
        fewer = max(FEWEST_STARTS, round(starts * (LARGE / units) ** 3))
        chosen_LI = np.array(evenly(task.rest_inputs, MOST_INPUTS), dtype=np.float64)
        final = params_of(population.run.network(network.key).final)
        searches, number = min(starts, fewer), int(row["index"])
        portrait = phase_portrait(network, final, chosen_LI, searches)
        if portrait is not None:
            yield PortrayedNetwork(network.key, number, condition, searches, portrait)
        if units > LARGE:
            return


def _draw(
    population: RunTables, group: Sequence[PortrayedNetwork], number: int
) -> Drawing:
    places = [(one, at) for one in group for at in range(len(one.portrait.input_LI))]
    columns = 2 if len(places) in (2, 4) else ABREAST
    width = WIDTH if len(places) > 1 else 5.6
    height, one_plane = 2.6 if columns == ABREAST else 3.3, len(group) == 1
    figure, all_axes = panels(
        len(places), columns, height, width=width, sharex=one_plane, sharey=one_plane
    )
    for axes, (one, at) in zip(all_axes, places, strict=True):
        _panel(axes, one.portrait, at)
        title = _input(one.portrait.input_LI[at])
        if len(group) > 1:
            title = f"{_name(one)}\n{title}"
        axes.set_title(wrapped(title, 96 // columns), fontsize=8)
    for axes in all_axes[-columns:]:
        axes.set_xlabel("first component")
    for axes in all_axes[::columns]:
        axes.set_ylabel("second component")
    present = {kind for one in group for kind in _kinds_of(one.portrait)}
    _legend(figure, [kind for kind in KINDS if kind in present])
    if len(group) == 1:
        figure.suptitle(_name(group[0]), x=0.01, ha="left", fontsize=9)
    return Drawing(
        f"portraits_{number + 1}" if len(group) == 1 else "portraits",
        figure,
        "Fixed points in the plane of the states.",
        _caption(population, group),
    )


def _name(one: PortrayedNetwork) -> str:
    return f"{one.condition.label}, network {one.number}"


def _panel(axes: Axes, portrait: Portrait, at: int) -> None:
    """The trials, the runs at this input, and on top the points."""
    trials = evenly(list(portrait.z_BS2), MOST_LINES)
    for lines, colour, name in (
        (trials, FAINT, "trials"),
        (portrait.run_LRS2[at], FLOWING, "runs"),
    ):
        thin = [line[:: max(1, len(line) // MOST_STEPS)] for line in lines]
        drawn = LineCollection(thin, colors=colour, linewidths=0.7, label=name)
        axes.add_collection(drawn)
    found, z_F2 = portrait.points_L[at], portrait.point_LF2[at]
    for kind in KINDS:
        own_F = [one is kind for one in kinds(found)]
        axes.plot(*z_F2[own_F].T, zorder=5, label=kind.words, **_mark(kind))
    axes.autoscale_view()


def kinds(found: Points) -> list[Kind]:
    """The kind of each point, by which it is marked."""
    by_index = (STABLE, SADDLE, UNSTABLE)
    pairs = zip(found.kind_F, found.index_F, strict=True)
    return [by_index[min(i, 2)] if kind == "root" else SLOW for kind, i in pairs]


def _kinds_of(portrait: Portrait) -> set[Kind]:
    return {kind for found in portrait.points_L for kind in kinds(found)}


def _mark(kind: Kind) -> dict:
    return {
        "linestyle": "none",
        "marker": kind.marker,
        "markersize": 6.5,
        "markerfacecolor": kind.face,
        "markeredgecolor": kind.edge,
        "markeredgewidth": 0.8,
    }


def _legend(figure: Figure, present: list[Kind]) -> None:
    handles = [
        Line2D([], [], color=FAINT, label="trials of the task"),
        Line2D([], [], color=FLOWING, label="runs at this input"),
        *(Line2D([], [], label=kind.words, **_mark(kind)) for kind in present),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=3)


def _input(input_I: NDArray[np.float64]) -> str:
    if not input_I.any():
        return "no input"
    return f"u = ({', '.join(f'{value:.3g}' for value in input_I)})"


def _caption(population: RunTables, group: Sequence[PortrayedNetwork]) -> str:
    portraits = [one.portrait for one in group]
    task = population.run.find(group[0].key).config.task
    every, shown = len(task.rest_inputs), len(portraits[0].input_LI)
    shares = [f"{p.explained_2[0]:.0%} and {p.explained_2[1]:.0%}" for p in portraits]
    rejected = sum(found.rejected for p in portraits for found in p.points_L)
    unusual = not set(population.networks["key"]) <= population.averaged
    return sentences(
        "Axes: the first two principal components of the states x in trials of the "
        f"task, with {'; '.join(shares)} of their variance.",
        "Grey: some trials. Blue: what the network does at the constant input of the "
        "panel, from 12 states of these trials on, for 20 time constants.",
        "Marks: points of f(x) = 0 at that input, and slow points, from "
        f"{span(one.starts for one in group)} starts each; what no start leads to is "
        f"missing. {rejected} searches ended at none.",
        f"Inputs: {shown} of the {every} at which the task asks for them, evenly "
        "spaced, with the first and the last."
        if shown < every
        else "",
        "Points that lie apart may cover each other, or trajectories, in the plane.",
        f"Networks drawn: {', '.join(one.key for one in group)}.",
        population.excluded if unusual else "",
    )
