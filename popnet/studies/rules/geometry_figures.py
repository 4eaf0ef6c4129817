"""Maps of networks by the distance of their activity, and how far rules lie apart."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from popnet.analysis.label_geometry import row_distances, silhouette
from popnet.analysis.scaling import stress_scaling
from popnet.report.markup import NIL, table
from popnet.report.sections import Drawing, Section
from popnet.report.style import INK, dot, palette, panels
from popnet.studies.rules import effects
from popnet.studies.rules.design import MATCHED, SIDES, task_words
from popnet.studies.rules.distances import Labelled
from popnet.studies.rules.effects import GEOMETRY
from popnet.studies.rules.layout import (
    colours,
    legend,
    mark,
    no_effect,
    places,
    task_axis,
    with_interval,
)
from popnet.studies.rules.statements import APART
from popnet.studies.rules.tables import RulesTables

GEOMETRIES = {"svcca": "SVCCA", "cka": "CKA", "procrustes": "Procrustes"}
RELEASED = (
    # contexts, nets, silhouette of rows, as distances, within / between, p, 1-NN
    (1, 49, 0.354, 0.291, 0.681, 0.0005, 0.857),
    (2, 48, 0.164, 0.176, 0.838, 0.0065, 0.729),
    (3, 126, 0.201, 0.244, 0.741, 0.0005, 0.810),
    (4, 121, 0.084, 0.151, 0.842, 0.0005, 0.835),
    (5, 119, 0.113, 0.158, 0.838, 0.0005, 0.874),
    (6, 98, 0.147, 0.163, 0.834, 0.0005, 0.939),
)
"""Of the SVCCA distances that the authors released, BPTT and genetic alone."""
ABOUT = (
    "Rows: silhouettes of rows of the distance matrix taken for coordinates, as the "
    "paper's code has them; distances: of the distances themselves. These two are of "
    "all pairs, as in the code; everything else is of pairs of two seeds. p: of 999 "
    "exchanges of the rules within a seed (released: 1,999 shuffles). Nearest: share "
    "of networks whose nearest one has their rule, and chance."
)
ACROSS = 5


def geometry(tables: RulesTables) -> Section:
    """Maps by task and version, separations, and the paper's own numbers."""
    title = "Representational geometry"
    found = compared(tables)
    if not found:
        words = "Left out: the activity of no two rules was compared."
        return Section("geometry", title, words)
    text = (
        "Networks that met their criterion, by their SVCCA distances (1 - mean "
        "correlation) in the plane of least stress; a colour for each rule. Each panel "
        "has its own scale, in its title the stress."
    )
    separations = (
        "Separation of rules by measure of geometry; bar: 95 % interval, jackknifed "
        "over seeds; band: smaller than of interest. Hollow: rules as published."
    )
    drawings = [
        Drawing("geometry", _separations(tables), "Separations of rules.", separations),
        Drawing("geometry_2", _maps(tables, found), "Maps of networks.", text),
    ]
    return Section("geometry", title, ABOUT, drawings, _numbers(tables, found))


def compared(tables: RulesTables) -> dict[tuple[str, str], tuple[list[str], Labelled]]:
    """Rules and distances of every version and task with two rules or more."""
    found = {}
    distances = tables.distances(GEOMETRY)
    for version in SIDES:
        for task in tables.design.tasks:
            by_rule = tables.enough(tables.design.by_rule(version, task))
            known = set(distances.known(list(by_rule.values())))
            own = {rule: c for rule, c in by_rule.items() if c in known}
            if len(own) > 1:
                labelled = distances.matrix(list(own.values()))
                found[version, task] = list(own), labelled
    return found


def _maps(
    tables: RulesTables, found: dict[tuple[str, str], tuple[list[str], Labelled]]
) -> Figure:
    figure, all_axes = panels(len(found), ACROSS, 2.0, margin=0.7)
    tones = colours(tables)
    for axes, ((version, task), (rules, one)) in zip(
        all_axes, found.items(), strict=True
    ):
        scaled = stress_scaling(np.nan_to_num(one.distance_PP, nan=0.0), most_steps=100)
        for label, rule in enumerate(rules):
            own = scaled.points_PD[one.label_P == label]
            axes.plot(own[:, 0], own[:, 1], linestyle="none", **dot(tones[rule], 4.5))
        title = f"{task_words(task)}\n{version}, stress {scaled.stress:.2f}"
        axes.set_title(title, fontsize=7.5)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_xticks([])
        axes.set_yticks([])
    legend(figure, tables)
    return figure


def _separations(tables: RulesTables) -> Figure:
    shown = {m: w for m, w in GEOMETRIES.items() if tables.distances(m).blocks}
    figure, (axes,) = panels(1, 1, 2.8, margin=0.5)
    tones = palette(max(len(shown), 2), ordered=False)
    offsets = places(2 * len(shown))
    for number, (metric, words) in enumerate(shown.items()):
        axes.plot([], [], linestyle="none", label=words, **dot(tones[number]))
        for x, task in enumerate(tables.design.tasks):
            for more, version in enumerate(SIDES):
                effect = effects.by_rule(tables, metric, version, task).effect
                at = x + offsets[2 * number + more]
                hollow = version != MATCHED
                mark(axes, at, effect, tones[number], hollow=hollow)
    no_effect(axes, APART)
    task_axis(axes, tables)
    axes.set_ylabel("separation of rules", color=INK)
    figure.legend(loc="outside upper left", ncols=3)
    return figure


def _numbers(
    tables: RulesTables, found: dict[tuple[str, str], tuple[list[str], Labelled]]
) -> Markup:
    """The paper's numbers of every task and version, and those of its released data."""
    rows: list[list[str]] = []
    for (version, task), (rules, one) in found.items():
        whole = np.isfinite(one.distance_PP).all()
        rows.append([
            task_words(task),
            version,
            f"{len(rules)}, {len(one.label_P)}",
            f"{silhouette(row_distances(one.distance_PP), one.label_P):.3f}"
            if whole else NIL,
            f"{silhouette(one.distance_PP, one.label_P):.3f}" if whole else NIL,
            *_seed_fair(tables, version, task, one),
        ])  # fmt: skip
    for contexts, nets, by_rows, plain, ratio, p, share in RELEASED:
        rows.append([
            task_words(f"n_context_{contexts}"), "released data", f"2, {nets}",
            f"{by_rows:.3f}", f"{plain:.3f}", NIL, NIL, f"{ratio:.3f}",
            f"{(1 - ratio) / (1 + ratio):+.3f}", f"{p:.2g}", f"{share:.3f} (0.5)",
        ])  # fmt: skip
    header = [
        "task", "version", "rules, networks", "silhouette, rows",
        "silhouette, distances", "within", "between", "within / between",
        "separation (95 %)", "p", "nearest (chance)",
    ]  # fmt: skip
    return table(header, rows, numeric=range(2, len(header)), css="conditions")


def _seed_fair(
    tables: RulesTables, version: str, task: str, one: Labelled
) -> list[str]:
    """What is of pairs of two seeds alone."""
    distances = tables.distances(GEOMETRY)
    conditions = distances.known(
        list(tables.enough(tables.design.by_rule(version, task)).values())
    )
    w, b = distances.within(conditions).whole, distances.between(conditions).whole
    hit_P, chance_P = one.nearest()
    apart = distances.separation(conditions).effect
    return [
        f"{w:.3f}",
        f"{b:.3f}",
        f"{w / b:.3f}" if b else NIL,
        with_interval(apart) or NIL,
        f"{one.exchange_test():.2g}",
        f"{hit_P.mean():.3f} ({chance_P.mean():.2f})",
    ]
