"""From an effect with its interval to a verdict, and to a row of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from popnet.analysis.inference import Effect, bootstrap_mean, standardised_difference
from popnet.runs.findings import Finding, Verdict
from popnet.studies.heterogeneity.profiles import by_seed, drawing

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike


class Row(NamedTuple):
    """What a row of the table says whatever comes out."""

    claim: str
    says: str
    statistic: str
    unit: str
    figure: str


def found(
    row: Row, effect: Effect, verdict: Verdict, note: str = "", p: float | None = None
) -> Finding:
    """The row with what came out."""
    value, low, high, n = effect
    return Finding(
        row.claim, row.says, row.statistic, value, low, high, row.unit, n, p, verdict,
        row.figure, note,
    )  # fmt: skip


def above(effect: Effect, bound: float) -> Verdict:
    """Holds where the whole interval is above the bound, not where all is below."""
    if effect.low > bound:
        return "holds"
    return "does not hold" if effect.high <= bound else "undecided"


def below(effect: Effect, bound: float) -> Verdict:
    """Holds where the whole interval is below the bound, not where all is above."""
    if effect.high < bound:
        return "holds"
    return "does not hold" if effect.low >= bound else "undecided"


def both(*verdicts: Verdict) -> Verdict:
    """A claim of several parts: holds if all do, not if one does not."""
    if "does not hold" in verdicts:
        return "does not hold"
    return "holds" if set(verdicts) == {"holds"} else "undecided"


def mean_over_seeds(values: ArrayLike) -> Effect:
    """The mean with its interval, always by the same draws."""
    return bootstrap_mean(values, drawing())


def standardised(values: ArrayLike) -> str:
    """The mean over its deviation between seeds, in words (Hedges' g of pairs)."""
    effect = standardised_difference(values, np.zeros(np.size(values)), drawing())
    return f"Effect size {effect.value:.2f} ({effect.low:.2f} to {effect.high:.2f})."


def mean_of(frame: pd.DataFrame, column: str) -> Effect:
    """The mean of a column over tasks and conditions, its interval over seeds."""
    return mean_over_seeds(by_seed(frame, column).to_numpy())


def listed(frame: pd.DataFrame, column: str, by: str = "task") -> str:
    """ "dnms 0.31, order 0.02": the mean of each."""
    means = frame.groupby(by, sort=False)[column].mean()
    return ", ".join(f"{name} {value:.2f}" for name, value in means.items())
