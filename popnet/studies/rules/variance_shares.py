"""Variance explained by a factor, of numbers and of distances alike.

In a set of G conditions that differ in one factor alone, with squared distances d^2
between networks (of numbers y: (y_i - y_j)^2),

    E = (G - 1) / (2 G) (B - W),    share = E / (E + W / 2)

B, W: mean d^2 between two levels, all pairs of levels alike, and within a level.  E is
the variance of the levels' centres about their mean, W / 2 that of networks about their
centre: the sums of squares of a main effect over their degrees, without the bias that
centres of few networks have (so E may be below 0 where there is no effect).  Both need
distances alone: Anderson, Austral Ecology 2001;26:32, whose F of squared distances has
the same parts.  Over several sets E and W are added up before they are divided; sets
differ in the other factors, which therefore count nowhere.  Of scalar measures and of
distances alike only pairs of two seeds count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np

from popnet.studies.rules.design import FACTORS
from popnet.studies.rules.distances import FEWEST_NETWORKS, Distances
from popnet.studies.rules.estimates import (
    SeedEstimate,
    average,
    combined,
    nothing,
    of_pairs,
)
from popnet.studies.rules.tables import RulesTables

SCALARS = {
    "fixed_points": ("fixed points", False),
    "stable_fixed_points": ("stable fixed points", False),
    "line_attractors": ("line attractors", False),
    "slowest_s": ("slowest time constant, log2", True),
    "moving_attractors": ("share that never rests", False),
    "largest_exponent": ("largest exponent", False),
    "attractor_dimension": ("attractor dimension", False),
    "weight_change_rank": ("rank of weight change, log2", True),
    "participation_ratio": ("participation ratio, log2", True),
    "psychometric_slope": ("psychometric slope, log2", True),
    "choice_bias": ("choice bias", False),
    "accuracy": ("accuracy", False),
}
"""Measures in words, and whether their logarithm is taken."""
TOLD_APART = {
    "topology": "topology",
    "neighbour_inputs": "topology, the paper's measure",
    "svcca": "SVCCA",
    "cka": "CKA",
    "procrustes": "Procrustes",
}
"""Metrics in words."""
SquaredMean = Callable[[str, str], SeedEstimate]


def of_metric(tables: RulesTables, metric: str, factor: str) -> SeedEstimate:
    """Share of a metric's variance that a factor explains, of 1."""
    found = tables.distances(metric)
    return _share(tables, factor, _mean_square(found), found.known)


def of_scalar(tables: RulesTables, name: str, factor: str) -> SeedEstimate:
    """Share of a measure's variance that a factor explains, of 1."""
    log = SCALARS[name][1]

    def numbers(condition: str) -> np.ndarray:
        values = tables.scalar(name, condition)
        if not log:
            return np.where(np.isfinite(values), values, np.nan)
        positive = np.isfinite(values) & (values > 0)
        return np.log2(values, out=np.full_like(values, np.nan), where=positive)

    def mean(one: str, other: str) -> SeedEstimate:
        return of_pairs((numbers(one)[:, None] - numbers(other)[None]) ** 2)

    def known(conditions: Sequence[str]) -> list[str]:
        counts = {c: int(np.isfinite(numbers(c)).sum()) for c in conditions}
        return [c for c in conditions if counts[c] >= FEWEST_NETWORKS]

    return _share(tables, factor, mean, known)


def _mean_square(found: Distances) -> SquaredMean:
    def mean(one: str, other: str) -> SeedEstimate:
        return found.mean(one, other, squared=True)

    return mean


def _share(
    tables: RulesTables,
    factor: str,
    mean: SquaredMean,
    known: Callable[[Sequence[str]], list[str]],
) -> SeedEstimate:
    """E / (E + W / 2) over all sets of a factor in which networks can be compared."""
    effects, spreads = [], []
    for family in tables.design.families(factor):
        levels = known(family)
        if len(levels) < 2:
            continue
        between = average([mean(a, b) for a, b in combinations(levels, 2)])
        within = average([mean(one, one) for one in levels])
        if not np.isfinite(between.whole):
            continue  # networks of two tasks have no distance of activity
        size = (len(levels) - 1) / (2 * len(levels))
        effects.append(combined([size, -size], [between, within]))
        spreads.append(combined([0.5], [within]))
    if not effects:
        return nothing(len(tables.seeds))
    effect, spread = average(effects), average(spreads)
    total_D = effect.value_D + spread.value_D
    share_D = np.full_like(total_D, np.nan)
    np.divide(effect.value_D, total_D, out=share_D, where=total_D > 0)
    return SeedEstimate(share_D, effect.takes_S)


def every_share(tables: RulesTables) -> dict[str, dict[str, SeedEstimate]]:
    """Shares by the words of a measure, then by factor; those that there are."""
    found: dict[str, dict[str, SeedEstimate]] = {}
    for metric, words in TOLD_APART.items():
        found[words] = {f: of_metric(tables, metric, f) for f in FACTORS}
    for name, (words, _) in SCALARS.items():
        found[words] = {f: of_scalar(tables, name, f) for f in FACTORS}
    return {
        words: own
        for words, own in found.items()
        if any(np.isfinite(one.whole) for one in own.values())
    }
