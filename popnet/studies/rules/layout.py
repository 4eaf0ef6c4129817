"""Marks, colours and axes that the study's figures share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D

from popnet.analysis.intervals import Effect
from popnet.report.style import FAINT, SOFT, dot, palette
from popnet.studies.rules.design import task_words
from popnet.studies.rules.effects import mean_of
from popnet.studies.rules.tables import RulesTables

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SPREAD = 0.7
"""Of the room between two places on an axis, what the marks of one place fill."""
CAPTION = (
    "Dot: mean over networks that met their criterion; bar: 95 % interval, jackknifed "
    "over seeds."
)
HOLLOW = {"markerfacecolor": "white", "markeredgewidth": 1.2}


def colours(tables: RulesTables) -> dict[str, str]:
    """A colour for each rule."""
    rules = tables.design.rules
    return dict(zip(rules, palette(len(rules), ordered=False), strict=True))


def mark(
    axes: Axes, x: float, found: Effect, colour: str, *, hollow: bool = False
) -> None:
    """A number with its interval."""
    if not np.isfinite(found.value):
        return
    if np.isfinite(found.low):
        axes.vlines(x, found.low, found.high, color=colour, linewidth=1.2)
    look: dict[str, Any] = dot(colour)
    if hollow:
        look |= HOLLOW | {"markeredgecolor": colour}
    axes.plot([x], [found.value], linestyle="none", **look)


def places(count: int) -> np.ndarray:
    """Places of the marks beside each other at one tick, about 0."""
    return (np.arange(count) - (count - 1) / 2) * SPREAD / max(count, 1)


def task_axis(axes: Axes, tables: RulesTables) -> None:
    """A tick for each task."""
    tasks = tables.design.tasks
    axes.set_xticks(range(len(tasks)), [task_words(task) for task in tasks])
    axes.tick_params(axis="x", labelrotation=20)
    axes.set_xlim(-0.5, len(tasks) - 0.5)
    axes.grid(axis="y")


def by_task(
    axes: Axes, tables: RulesTables, name: str, version: str, *, hollow: bool = False
) -> bool:
    """A measure of every rule on every task; False where there is none."""
    tones, found = colours(tables), False
    offsets = dict(zip(tones, places(len(tones)), strict=True))
    for x, task in enumerate(tables.design.tasks):
        for rule, condition in tables.design.by_rule(version, task).items():
            effect = mean_of(tables, name, condition).effect
            found |= bool(np.isfinite(effect.value))
            mark(axes, x + offsets[rule], effect, tones[rule], hollow=hollow)
    task_axis(axes, tables)
    return found


def over_scale(axes: Axes, tables: RulesTables, name: str) -> bool:
    """A measure over the initial scale, a line for each rule and task."""
    tones, drawn = colours(tables), False
    styles = ("-", "--", ":", "-.")
    tasks = [task for task in tables.design.tasks if tables.design.by_scale(task)]
    for task, style in zip(tasks, styles * len(tasks), strict=False):
        for rule, levels in tables.design.by_scale(task).items():
            effects = [mean_of(tables, name, c).effect for c in levels.values()]
            known = [
                (scale, effect)
                for scale, effect in zip(levels, effects, strict=True)
                if np.isfinite(effect.value)
            ]
            for scale, effect in known:
                mark(axes, scale, effect, tones[rule])
            axes.plot(
                [scale for scale, _ in known],
                [effect.value for _, effect in known],
                color=tones[rule],
                linestyle=style,
                linewidth=1.2,
            )
            drawn |= bool(known)
    axes.set_xlabel("initial scale (gain)")
    axes.grid(axis="y")
    return drawn


def scale_words(tables: RulesTables) -> str:
    """The sentence that says which lines over scale are of which task."""
    tasks = [task for task in tables.design.tasks if tables.design.by_scale(task)]
    names = ("whole", "dashed", "dotted", "dash-dotted")
    said = [f"{task_words(t)}: {n}" for t, n in zip(tasks, names, strict=False)]
    return f"Lines over the initial scale: {'; '.join(said)}." if said else ""


def legend(figure: Figure, tables: RulesTables) -> None:
    """The colours of the rules."""
    handles = [
        Line2D([], [], linestyle="none", label=rule.replace("_", " "), **dot(colour))
        for rule, colour in colours(tables).items()
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=6)


def no_effect(axes: Axes, smallest: float) -> None:
    """The line of no effect, and the band of effects of no interest."""
    axes.axhline(0, color=SOFT, linewidth=0.8)
    axes.axhspan(-smallest, smallest, color=FAINT, alpha=0.35, linewidth=0)


def log2_axis(axes: Axes) -> None:
    """Ticks of 2^x beside x."""
    axes.yaxis.set_major_formatter(lambda value, _: f"{2**value:,.4g}")


def with_interval(found: Effect, form: str = "{:+.3f}") -> str:
    """A number and its interval as text; "" where it is not known."""
    if not np.isfinite(found.value):
        return ""
    if not np.isfinite(found.low):
        return form.format(found.value)
    ends = f"{form.format(found.low)}, {form.format(found.high)}"
    return f"{form.format(found.value)} [{ends}]"
