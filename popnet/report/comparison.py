"""Draws distances of all pairs of networks, within and between conditions."""

import re
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from popnet.canonical import label_of
from popnet.report.conditions import NamedCondition, evenly, wrapped
from popnet.report.population import ALL_DIVERGED, LEARNED, ComparedNetworks, few
from popnet.report.registry_words import metric_kind
from popnet.report.sections import Drawing, Section, sentences
from popnet.report.statistics import SEED, distance_matrix, quartiles
from popnet.report.style import DISTANCES, INK, SOFT, WIDTH, dot, failure
from popnet.status import Status

MOST_CELLS = 600  # networks; beyond, a cell stands for a pair of conditions
MOST_NAMES = 20
MOST_ROWS = 8
MOST_POINTS = 250
MANY = 60  # points of a row that stay apart at full size


def comparisons(population: ComparedNetworks) -> Section:
    """The section on distances between networks, one figure per metric."""
    title = "How different the networks are"
    table = population.comparisons
    known = set(population.networks["key"]) if not table.empty else set()
    if not table.empty:
        table = table[table["key_a"].isin(known) & table["key_b"].isin(known)]
    if table.empty:
        words = (
            "No networks were compared yet: `after.compare` lists the metrics, such "
            "as behaviour and weights."
        )
        return Section("comparison", title, words)
    metrics = list(table.groupby(["metric", "settings"], sort=False))
    labels = [label_of(str(name), str(given)) for (name, given), _ in metrics]
    drawings = [
        _draw(population, pairs, f"{label} {metric_kind(str(name))}", file)
        for ((name, _), pairs), label, file in zip(
            metrics, labels, _file_names(labels), strict=True
        )
    ]
    return Section("comparison", title, drawings=drawings)


def pair_groups(
    pairs: pd.DataFrame, population: ComparedNetworks
) -> list[tuple[str, str, np.ndarray]]:
    """(name, colour, distances): within each condition, then between conditions.

    A condition without a pair keeps its row, so long as another has one. Pairs of one
    index in two conditions start from the same draws, so they are kept apart from the
    other pairs between conditions.
    """
    kept = pairs[
        pairs["key_a"].isin(population.averaged)
        & pairs["key_b"].isin(population.averaged)
    ]
    facts = population.networks.set_index("key")[["condition", "index"]]
    a = facts.loc[kept["key_a"]].reset_index(drop=True)
    b = facts.loc[kept["key_b"]].reset_index(drop=True)
    value = kept["value"].to_numpy(float)
    same = (a["condition"] == b["condition"]).to_numpy()
    alike = (a["index"] == b["index"]).to_numpy()
    known = np.isfinite(value)
    groups = []
    if len(population.conditions) <= MOST_ROWS and (known & same).any():
        for condition in population.conditions:
            own = known & same & (a["condition"] == condition.id).to_numpy()
            groups.append(
                (_within(population, condition), condition.colour, value[own])
            )
    if len(population.conditions) > 1:
        pooled = [
            ("within, all conditions", INK, value[known & same]),
            ("between, same index", SOFT, value[known & ~same & alike]),
            ("between, other index", SOFT, value[known & ~same & ~alike]),
        ]
        groups += [group for group in pooled if group[2].size]
    return groups


def _within(population: ComparedNetworks, condition: NamedCondition) -> str:
    note = population.notes.get(condition.id, "")
    name = "within " + wrapped(condition.label, 24)
    return f"{name}\n{note}" if note else name


def _draw(
    population: ComparedNetworks, pairs: pd.DataFrame, measure: str, name: str
) -> Drawing:
    groups = pair_groups(pairs, population)
    compared = set(pairs["key_a"]) | set(pairs["key_b"])
    networks = population.networks[population.networks["key"].isin(compared)]
    conditions = list(networks["condition"].unique())
    shown = [c for c in population.conditions if c.id in conditions]
    figure = Figure(figsize=(WIDTH, 5.1), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
    _matrix(left, shown, networks, pairs, measure)
    _distributions(right, groups, measure)
    caption = sentences(
        _caption(population, networks, groups),
        _absent(population, shown),
        coverage(population, pairs),
    )
    return Drawing(name, figure, f"{measure.capitalize()}.", caption)


def _matrix(
    axes: Axes,
    conditions: list[NamedCondition],
    networks: pd.DataFrame,
    pairs: pd.DataFrame,
    measure: str,
) -> None:
    matrix = distance_matrix(pairs, list(networks["key"]))
    sizes = networks["condition"].value_counts()
    edges = np.concatenate([[0], np.cumsum([sizes[c.id] for c in conditions])])
    singly = len(networks) <= MOST_CELLS
    if not singly:
        matrix = condition_means(matrix, edges)
        edges = np.arange(len(conditions) + 1)
    axes.set_facecolor("#eceef1")
    image = axes.imshow(
        np.ma.masked_invalid(matrix), cmap=DISTANCES, interpolation="none"
    )
    for edge in edges[1:-1] if singly else []:
        axes.axhline(edge - 0.5, color="white", linewidth=1.4)
        axes.axvline(edge - 0.5, color="white", linewidth=1.4)
    if singly:
        _failures(axes, networks)
    _names(axes, conditions, edges)
    axes.set_anchor("NW")
    axes.set_title(f"{measure}, every pair")
    # an inset, since a colour bar of its own would shrink the square
    scale = axes.inset_axes((0.0, -0.085, 1.0, 0.028))
    bar = axes.figure.colorbar(image, cax=scale, orientation="horizontal")
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    bar.set_label(measure)


def _names(axes: Axes, conditions: list[NamedCondition], edges: np.ndarray) -> None:
    """Condition names at the middle of their rows, a strip in their colour beside."""
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    for condition, start, stop in zip(conditions, edges, edges[1:], strict=False):
        strip = Rectangle(
            (-0.035, start - 0.5),
            0.02,
            stop - start,
            facecolor=condition.colour,
            edgecolor="white",
            linewidth=0.8,
            transform=axes.get_yaxis_transform(),
            clip_on=False,
        )
        axes.add_artist(strip)
    middles = (edges[:-1] + edges[1:] - 1) / 2
    shown = evenly(list(zip(conditions, middles, strict=True)), MOST_NAMES)
    size = 8 if len(shown) <= 10 else 6.5
    axes.set_yticks(
        [m for _, m in shown], [wrapped(c.label, 34) for c, _ in shown], fontsize=size
    )
    axes.tick_params(axis="y", pad=13)
    axes.set_xticks([])


def _failures(axes: Axes, networks: pd.DataFrame) -> None:
    """A mark beside the row of each network that failed."""
    for row, status in enumerate(networks["status"]):
        if status not in LEARNED:
            axes.plot(
                [1.025],
                [row],
                transform=axes.get_yaxis_transform(),
                clip_on=False,
                label=status,
                **failure(status, INK, 4.5),
            )


def _distributions(
    axes: Axes, groups: list[tuple[str, str, np.ndarray]], measure: str
) -> None:
    edge = {"markeredgecolor": INK, "markeredgewidth": 1.5}
    crowd = {"marker": ".", "markersize": 3.5, "color": SOFT}
    ring: dict[str, Any] = dot("white", 6.5) | edge | {"zorder": 5}
    generator = np.random.default_rng(SEED)
    for y, (_, colour, values) in enumerate(groups):
        points = np.array(evenly(list(np.sort(values)), MOST_POINTS))
        lift = generator.permutation(np.linspace(-0.27, 0.27, len(points)))
        axes.plot(
            points,
            y + lift,
            linestyle="none",
            **(dot(colour, 4.5) if len(points) < MANY else crowd),
        )
        low, median, high = quartiles(values)
        if values.size:
            axes.plot([low, high], [y, y], color=INK, linewidth=1.6, zorder=4)
            axes.plot([median], [y], **ring)
    labels = [f"{name}  ({len(values):,})" for name, _, values in groups]
    axes.set_yticks(range(len(groups)), labels)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(groups) - 0.4, -0.6)
    axes.set_xlabel(measure)
    axes.set_title("within and between conditions")
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)


def condition_means(matrix: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The mean over each block of a matrix, its missing cells left out."""
    known = np.isfinite(matrix)
    total = _blocks(np.where(known, matrix, 0.0), edges)
    count = _blocks(known.astype(float), edges)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _blocks(matrix: np.ndarray, edges: np.ndarray) -> np.ndarray:
    rows = np.add.reduceat(matrix, edges[:-1], axis=0)
    return np.add.reduceat(rows, edges[:-1], axis=1)


def _caption(
    population: ComparedNetworks,
    networks: pd.DataFrame,
    groups: list[tuple[str, str, np.ndarray]],
) -> str:
    by_condition = len(networks) > MOST_CELLS
    cell = (
        f"each cell is the mean over the pairs of two conditions ({len(networks)} "
        "networks are too many to draw singly)"
        if by_condition
        else f"each cell is a pair of the {len(networks)} networks compared, ordered "
        "by condition (colour strip, white borders) and then index"
    )
    failed = not networks["status"].isin(LEARNED).all()
    most = max((len(values) for *_, values in groups), default=0)
    return sentences(
        f"Left: {cell}; grey: no value.",
        "A triangle or cross on the right edge marks a network that did not converge "
        "or diverged."
        if failed and not by_condition
        else "",
        "Right: points are pairs, their number in brackets; ring: median; bar: "
        "interquartile range. Pairs that share a network are not independent.",
        "Networks of the same index start from the same draws in every condition."
        if len(population.conditions) > 1
        else "",
        f"No more than {MOST_POINTS} pairs of a row are drawn as points, evenly "
        "through its sorted values."
        if most > MOST_POINTS
        else "",
        f"Right side only: {population.excluded[0].lower()}{population.excluded[1:]}"
        if population.excluded
        else "",
        f"With more than {MOST_ROWS} conditions the pairs within them are pooled."
        if len(population.conditions) > MOST_ROWS
        else "",
    )


def _absent(population: ComparedNetworks, shown: list[NamedCondition]) -> str:
    """The sentence on conditions that have no row in the matrix."""
    none = [c for c in population.conditions if c not in shown]
    lost = {population.notes.get(c.id) for c in none} == {ALL_DIVERGED}
    why = "all diverged" if lost else "none of their networks was compared"
    return f"Not in the matrix, {why}: {few([c.label for c in none])}." if none else ""


def coverage(population: ComparedNetworks, pairs: pd.DataFrame) -> str:
    """The sentence on pairs without a value; "" when every pair has one."""
    count = int((population.networks["status"] != Status.DIVERGED).sum())
    every, known = count * (count - 1) // 2, int(pairs["value"].notna().sum())
    if known >= every:
        return ""
    return (
        "A metric compares only networks that have the same task or size, as it needs: "
        f"{known:,} of the {every:,} pairs of the {count:,} networks that did not "
        "diverge have a value."
    )


def _file_names(metrics: list[str]) -> list[str]:
    """A file name for each metric, whatever it is called."""
    names = []
    for metric in metrics:
        name = "comparison_" + (re.sub(r"[^a-z0-9]+", "_", metric.lower()).strip("_"))
        while name in names:
            name += "_"
        names.append(name)
    return names
