"""How much of each measure rule, initial scale, task and noise explain, in one unit."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from popnet.report.markup import NIL, table
from popnet.report.sections import Drawing, Section
from popnet.report.style import CATEGORIES, SOFT, dot, panels
from popnet.studies.rules.design import FACTORS
from popnet.studies.rules.estimates import SeedEstimate
from popnet.studies.rules.layout import with_interval
from popnet.studies.rules.tables import RulesTables
from popnet.studies.rules.variance_shares import every_share

ABOUT = (
    "Share of the variance between networks that a factor explains, among matched "
    "conditions that differ in that factor and in seeds alone: E / (E + W / 2), with "
    "E the variance of the levels' centres and W / 2 that of networks about them. "
    "Measures of a network: the sum of squares of the main effect over its degrees "
    "of freedom. Distances: the same of squared distances (Anderson 2001). Both "
    "without the bias of few networks, so that a share may fall below 0; pairs of two "
    "seeds alone; 95 % interval, jackknifed over seeds. Shares of one row do not add "
    "up to 1: the sets of conditions differ from factor to factor. Activity has no "
    "distance across tasks or noise, nor topology across tasks."
)


def explained(tables: RulesTables) -> Section:
    """One table and one figure of the shares of all measures."""
    title = "Rule, initial scale, task and noise in one unit"
    found = every_share(tables)
    if not found:
        return Section("explained", title, "Left out: no factor is varied alone.")
    caption = "Share of variance that a factor explains; bar: 95 % interval over seeds."
    drawing = Drawing("explained", _figure(found), "Variance explained.", caption)
    return Section("explained", title, ABOUT, [drawing], _table(found))


def _figure(found: dict[str, dict[str, SeedEstimate]]) -> Figure:
    height = 0.24 * len(found) + 0.6
    figure, all_axes = panels(len(FACTORS), len(FACTORS), height, sharey=True)
    places = np.arange(len(found))[::-1]
    tones = zip(all_axes, FACTORS.items(), CATEGORIES, strict=False)
    for axes, (factor, words), tone in tones:
        for y, shares in zip(places, found.values(), strict=True):
            effect = shares[factor].effect
            if not np.isfinite(effect.value):
                continue
            if np.isfinite(effect.low):
                axes.hlines(y, effect.low, effect.high, color=tone, linewidth=1.2)
            axes.plot([effect.value], [y], linestyle="none", **dot(tone))
        axes.axvline(0, color=SOFT, linewidth=0.8)
        axes.set_xlim(-0.25, 1.05)
        axes.set_title(words)
        axes.grid(axis="x")
    all_axes[0].set_yticks(places, list(found))
    return figure


def _table(found: dict[str, dict[str, SeedEstimate]]) -> Markup:
    rows = [
        [words, *(with_interval(shares[f].effect, "{:.2f}") or NIL for f in FACTORS)]
        for words, shares in found.items()
    ]
    header = ["measure", *FACTORS.values()]
    return table(header, rows, numeric=range(1, len(header)), css="controls")
