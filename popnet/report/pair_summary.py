"""The numbers of a comparison: means over pairs, with intervals over networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from popnet.analysis.intervals import Effect, Limits, cut_to, mean_interval
from popnet.analysis.pair_means import pair_mean
from popnet.canonical import label, settings_text
from popnet.config import MetricSettings
from popnet.report.population import ComparedNetworks

FITS = (
    "Held-out error of the linear models compared, median over networks (0: they "
    "predict all variance, 1: no more than the mean does)"
)
NOTHING = Effect(np.nan, np.nan, np.nan, 0)


class Fits(NamedTuple):
    """How well the models that a metric compares describe their networks."""

    heldout_error: float
    """The median over networks of the part of the variance, in trials held out, that a
    network's model does not predict; NaN where the metric fits none.  A model is no
    better than the mean of the trials at 1."""
    n: int
    """networks whose error is known"""


class PairSummary(NamedTuple):
    """Mean values of one metric, each with its interval over networks."""

    metric: str
    kind: str
    within: Effect
    """pairs of networks of one condition"""
    between: Effect
    """pairs of two conditions"""
    again: Effect
    """the floor: each network with itself, measured again"""
    untrained: Effect
    """a ceiling: the networks as they were drawn"""
    shuffled: Effect
    """a ceiling: units that do not act together"""
    fits: Fits
    """of the trained networks, all trials"""

    @property
    def effects(self) -> tuple[Effect, ...]:
        """The means, in the order of a table's columns."""
        return self.within, self.between, self.again, self.untrained, self.shuffled


class GridRow(NamedTuple):
    """One setting of a metric in a table of sensitivity."""

    settings: dict[str, object]
    mean: Effect
    """over all pairs of networks"""
    by_condition: dict[str, float]
    """The mean within each condition, by its label, smallest first."""
    agreement: float
    """Kendall's tau with the order of conditions at the first setting."""


def summary_of(
    metric: MetricSettings,
    nulls: Mapping[str, MetricSettings],
    compared: ComparedNetworks,
) -> PairSummary:
    """Summarise a metric and its nulls from the table of pairs.

    Pairs of networks that share an index start from the same draws, so that those of
    two conditions are left out: as drawn, they may be one network.
    """
    pairs = rows_of_metric(metric, compared)
    means = {
        name: _mean(rows_of_metric(null, compared), null.range)
        for name, null in nulls.items()
    }
    return PairSummary(
        label(metric),
        metric.kind,
        _mean(pairs[pairs["same"]], metric.range),
        _mean(pairs[~pairs["same"]], metric.range),
        again=means.get("again", NOTHING),
        untrained=means.get("untrained", NOTHING),
        shuffled=means.get("shuffled", NOTHING),
        fits=_fits(metric, compared),
    )


def _fits(metric: MetricSettings, compared: ComparedNetworks) -> Fits:
    known = compared.heldout_errors.get(metric, {})
    error = np.array([e for key, e in known.items() if key in compared.averaged])
    error = error[np.isfinite(error)]
    return Fits(float(np.median(error)) if len(error) else np.nan, len(error))


def rows_of_metric(metric: MetricSettings, compared: ComparedNetworks) -> pd.DataFrame:
    """Return the pairs that enter a metric's means; ``same``: of one condition."""
    table = compared.comparisons
    own = (table["metric"] == metric.name) & (
        table["settings"] == settings_text(metric)
    )
    kept = table[
        own
        & table["key_a"].isin(compared.averaged)
        & table["key_b"].isin(compared.averaged)
    ].reset_index(drop=True)
    facts = compared.networks.set_index("key")[["condition", "index"]]
    a = facts.loc[kept["key_a"]].reset_index(drop=True)
    b = facts.loc[kept["key_b"]].reset_index(drop=True)
    same = a["condition"] == b["condition"]
    kept = kept.assign(same=same, condition=a["condition"].where(same, None))
    return kept[same | (a["index"] != b["index"])]


def _mean(pairs: pd.DataFrame, limits: Limits) -> Effect:
    if pairs.empty:
        return NOTHING
    values = pairs["value"].to_numpy(float)
    if (pairs["key_a"] == pairs["key_b"]).all():  # independent: no pair shares one
        return cut_to(limits, mean_interval(values))
    a, b = pairs["key_a"].to_numpy(), pairs["key_b"].to_numpy()
    return pair_mean(a, b, values, limits=limits)


def grid_rows(
    metrics: Sequence[MetricSettings],
    varied: Sequence[str],
    compared: ComparedNetworks,
) -> list[GridRow]:
    """Return a row per setting of a metric: its mean, and the order of conditions."""
    labels = {c.id: c.label for c in compared.conditions}
    first: dict[str, float] = {}
    rows = []
    for metric in metrics:
        pairs = rows_of_metric(metric, compared)
        grouped = pairs[pairs["same"]].groupby("condition")["value"].mean().dropna()
        within = {labels[str(c)]: float(v) for c, v in grouped.sort_values().items()}
        first = first or within
        chosen = {name: getattr(metric, name) for name in varied}
        mean = _mean(pairs, metric.range)
        rows.append(GridRow(chosen, mean, within, kendall(first, within)))
    return rows


def kendall(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Kendall's tau-b of two orders of the same things; NaN of fewer than two.

    1: one order, -1: the reverse.  Kendall, Biometrika 30, 81 (1938).
    """
    from scipy.stats import kendalltau

    both = [name for name in one if name in other]
    if len(both) < 2:
        return float("nan")
    found: Any = kendalltau([one[n] for n in both], [other[n] for n in both])
    return float(found.statistic)


def shown_fits(rows: Sequence[PairSummary]) -> str:
    """Return the sentence on the fits of the metrics that have some; "" for none."""
    parts = [
        f"{row.metric} {row.fits.heldout_error:.2g} ({row.fits.n} networks)"
        for row in rows
        if row.fits.n
    ]
    return f"{FITS}: {', '.join(parts)}." if parts else ""


def shown_effect(effect: Effect) -> str:
    """Return a mean with its interval as a table shows it; a dash for none."""
    if not np.isfinite(effect.value):
        return "\N{EN DASH}"
    if not np.isfinite(effect.low):
        return f"{effect.value:.3g}"
    return f"{effect.value:.3g} [{effect.low:.3g}, {effect.high:.3g}]"
