"""Fixed points by kind, and how far rules, noise and scale separate topologies."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from popnet.report.sections import Drawing, Section, sentences
from popnet.report.style import INK, SOFT, dot, panels
from popnet.studies.rules import effects
from popnet.studies.rules.claims import TOPOLOGIES
from popnet.studies.rules.design import MATCHED, SIDES
from popnet.studies.rules.estimates import SeedEstimate, average, nothing, of_seeds
from popnet.studies.rules.layout import (
    CAPTION,
    HOLLOW,
    colours,
    legend,
    mark,
    no_effect,
    places,
    task_axis,
)
from popnet.studies.rules.statements import APART
from popnet.studies.rules.tables import RulesTables, column_of

EVERY_POINT, STABLE_POINT = "fixed_points", "stable_fixed_points"


def topology(tables: RulesTables) -> Section:
    """Counts of fixed points, then separations by rule, noise and scale."""
    title = "Attractor topology"
    drawings, words = [], []
    if any(len(tables.distances(m).blocks) for m in TOPOLOGIES.values()):
        text = (
            "Separation (between - within) / (between + within) of mean distances; "
            "bar: 95 % interval, jackknifed over seeds; band: smaller than of "
            "interest. By noise and by scale: within a rule, the mean over rules. "
            "Dark: numbers of fixed points and connections; pale: the paper's measure, "
            "nearest fixed points by their inputs. Hollow: rules as published."
        )
        drawings.append(
            Drawing(
                "topology", _separations(tables), "Separations of topologies.", text
            )
        )
    else:
        words.append("Left out: topologies were not compared.")
    if column_of(tables.networks, EVERY_POINT) and column_of(
        tables.networks, STABLE_POINT
    ):
        name = f"topology{'_2' * bool(drawings)}"
        text = sentences(
            CAPTION,
            "Per rest input. Dots: stable fixed points; hollow: saddles, all others. "
            "Left: matched; right: as published.",
        )
        drawings.append(Drawing(name, _points(tables), "Fixed points by kind.", text))
    else:
        words.append("Left out: fixed points were not counted.")
    return Section("topology", title, sentences(*words), drawings)


def saddles(tables: RulesTables, condition: str) -> np.ndarray:
    """Fixed points with an unstable direction per rest input, by seed, [S]."""
    return tables.scalar(EVERY_POINT, condition) - tables.scalar(
        STABLE_POINT, condition
    )


def _points(tables: RulesTables) -> Figure:
    figure, axes = panels(2, 2, 2.6, sharey=True, margin=0.7)
    tones = colours(tables)
    offsets = dict(zip(tones, places(len(tones)), strict=True))
    for one, version in zip(axes, SIDES, strict=True):
        for x, task in enumerate(tables.design.tasks):
            for rule, condition in tables.enough(
                tables.design.by_rule(version, task)
            ).items():
                at, tone = x + offsets[rule], tones[rule]
                mark(one, at, tables.mean(STABLE_POINT, condition).effect, tone)
                other = of_seeds(saddles(tables, condition)).effect
                mark(one, at, other, tone, hollow=True)
        task_axis(one, tables)
        one.set_title(f"{version}: fixed points per input")
    legend(figure, tables)
    return figure


def _separations(tables: RulesTables) -> Figure:
    figure, axes = panels(3, 3, 2.6, sharey=True, margin=0.7)
    for (word, metric), tone in zip(TOPOLOGIES.items(), (INK, SOFT), strict=True):
        shift = -0.1 if word == "topology" else 0.1
        _by_rule(axes[0], tables, metric, tone, shift)
        _by_noise(axes[1], tables, metric, tone, shift)
        _by_scale(axes[2], tables, metric, tone, shift)
    titles = ("by rule", "by noise, within a rule", "by initial scale, within a rule")
    for one, title in zip(axes, titles, strict=True):
        one.set_title(title)
        no_effect(one, APART)
        task_axis(one, tables)
    axes[0].set_ylabel("separation")
    handles = [
        Line2D([], [], linestyle="none", label=words, **dot(tone))
        for words, tone in (("proper distance", INK), ("the paper's measure", SOFT))
    ]
    published: dict[str, Any] = dot(INK) | HOLLOW | {"markeredgecolor": INK}
    handles.append(Line2D([], [], linestyle="none", label="as published", **published))
    figure.legend(handles=handles, loc="outside upper left", ncols=3)
    return figure


def _by_rule(
    axes: Axes, tables: RulesTables, metric: str, tone: str, shift: float
) -> None:
    for x, task in enumerate(tables.design.tasks):
        for version, more in zip(SIDES, (-0.05, 0.05), strict=True):
            found = effects.by_rule(tables, metric, version, task).effect
            mark(axes, x + shift + more, found, tone, hollow=version != MATCHED)


def _by_noise(
    axes: Axes, tables: RulesTables, metric: str, tone: str, shift: float
) -> None:
    for x, task in enumerate(tables.design.tasks):
        mark(axes, x + shift, effects.by_noise(tables, metric, task).effect, tone)


def _by_scale(
    axes: Axes, tables: RulesTables, metric: str, tone: str, shift: float
) -> None:
    for x, task in enumerate(tables.design.tasks):
        mark(axes, x + shift, scale_separation(tables, metric, task).effect, tone)


def scale_separation(tables: RulesTables, metric: str, task: str) -> SeedEstimate:
    """How far initial scales lie apart within a rule, the mean over rules."""
    found = [
        tables.distances(metric).separation(list(tables.enough(levels).values()))
        for levels in tables.design.by_scale(task).values()
    ]
    known = [one for one in found if np.isfinite(one.whole)]
    return average(known) if known else nothing(len(tables.seeds))
