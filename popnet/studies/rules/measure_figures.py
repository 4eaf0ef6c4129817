"""Attractors that move, and the rank of the weight change, by rule and scale."""

from __future__ import annotations

from matplotlib.figure import Figure

from popnet.report.sections import Drawing, Section, sentences
from popnet.report.style import panels
from popnet.studies.rules.design import SIDES
from popnet.studies.rules.effects import RANK
from popnet.studies.rules.layout import (
    CAPTION,
    by_task,
    legend,
    log2_axis,
    over_scale,
    scale_words,
)
from popnet.studies.rules.tables import RulesTables, column_of

MOTION = {
    "moving_attractors": "share that never rests",
    "largest_exponent": "largest exponent (1/s)",
    "attractor_dimension": "attractor dimension",
}
SHAPE = {RANK: "rank of weight change", "participation_ratio": "participation ratio"}


def motion(tables: RulesTables) -> Section:
    """How often runs at a constant input never rest, and how they expand."""
    text = sentences(
        CAPTION,
        "Runs from many starts at each rest input, without noise. A largest exponent "
        "below 0: a point; 0: a cycle or torus; above: chaos.",
        scale_words(tables),
    )
    return _section(tables, "motion", "Attractors that move", MOTION, text)


def weights(tables: RulesTables) -> Section:
    """Effective rank of what each rule added to the weights."""
    text = sentences(
        CAPTION,
        "Effective rank: exp of the entropy of the singular values, as shares of "
        "their sum, of the weight change; its mean is drawn on an axis of doublings.",
        scale_words(tables),
    )
    return _section(tables, "weights", "The change of the weights", SHAPE, text)


def _section(
    tables: RulesTables, anchor: str, title: str, measures: dict[str, str], text: str
) -> Section:
    shown = {n: w for n, w in measures.items() if column_of(tables.networks, n)}
    if not shown:
        names = ", ".join(f"`{name}`" for name in measures)
        words = f"Left out: none of {names} was measured."
        return Section(anchor, title, words)
    figure = _figure(tables, shown)
    return Section(anchor, title, drawings=[Drawing(anchor, figure, f"{title}.", text)])


def _figure(tables: RulesTables, shown: dict[str, str]) -> Figure:
    """A row for each measure: both versions, then over the initial scale."""
    figure, axes = panels(3 * len(shown), 3, 2.2, margin=0.8)
    for row, (name, words) in enumerate(shown.items()):
        own = axes[3 * row : 3 * row + 3]
        for one, version in zip(own, SIDES, strict=False):
            by_task(one, tables, name, version)
            one.set_title(f"{version}: {words}", fontsize=8)
        over_scale(own[2], tables, name)
        own[2].set_title("matched, by initial scale", fontsize=8)
        if name == RANK:
            for one in own:
                log2_axis(one)
    legend(figure, tables)
    return figure
