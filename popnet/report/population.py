"""The records of a run, read once and put in the order of the report."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from popnet.analysis.trials_to_criterion import (
    TrialsOrCap,
    TrialsQuantile,
    allowed,
    trials_or_cap,
    trials_quantiles,
)
from popnet.config import MetricSettings
from popnet.report.conditions import NamedCondition, arrange, in_columns
from popnet.runs import Run
from popnet.status import Status

STATUSES: dict[str, str] = {
    Status.CONVERGED: "converged",
    Status.UNCONVERGED: "not converged",
    Status.DIVERGED: "diverged",
    Status.TRAINED: "trained, no criterion",
    Status.STOPPED: "stopped by the search",
}
LEARNED = [Status.CONVERGED, Status.TRAINED]
ALL_SHOWN = "none converged: all shown"
ALL_DIVERGED = "all diverged"
STOPPED = "stopped by the search"
NOTHING_YET = "nothing recorded yet"
MOST_NAMES = 8


@dataclass(frozen=True, kw_only=True)
class ComparedNetworks:
    """Networks of a run, or of somebody else's folder, and what their pairs gave."""

    conditions: list[NamedCondition]
    networks: pd.DataFrame  # knows key, condition, status and index
    comparisons: pd.DataFrame
    averaged: frozenset[str]  # keys of the networks that means and pairs are over
    excluded: str  # the sentences that say which networks they leave out, and where
    notes: dict[str, str]  # condition -> why its networks are not those that learned
    heldout_errors: Mapping[MetricSettings, Mapping[str, float]] = field(
        default_factory=dict
    )  # metric that fits a model -> key -> error of the fit, as far as they are read


@dataclass(frozen=True, kw_only=True)
class RunTables(ComparedNetworks):
    """The tables of a run; every table knows condition, status and index."""

    run: Run
    curves: pd.DataFrame
    evaluations: pd.DataFrame

    def averages(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of the networks that may enter a mean."""
        return table[table["key"].isin(self.averaged)]

    @property
    def varied(self) -> list[str]:
        """The axes of the grid that the table of networks has a column for."""
        return in_columns(self.run.varied, self.networks)

    def note(self, condition: NamedCondition, count: int) -> str:
        """The note beside a condition of which a figure shows ``count`` networks."""
        known = self.notes.get(condition.id, "")
        return known if count or known in (ALL_DIVERGED, STOPPED) else NOTHING_YET


def load(run: Run) -> RunTables:
    """Read every table of the run."""
    networks = run.table()
    conditions = arrange(networks, run.varied)
    place = {condition.id: i for i, condition in enumerate(conditions)}
    if not networks.empty:
        order = networks.assign(_place=networks["condition"].map(place))
        order = order.sort_values(["_place", "index", "key"], kind="stable")
        networks = order.drop(columns="_place").reset_index(drop=True)
    averaged, notes = _averaged(networks)
    return RunTables(
        run=run,
        conditions=conditions,
        networks=networks,
        curves=_curves(run.curves(), networks),
        evaluations=_joined(run.evaluations(), networks),
        comparisons=run.comparisons(),
        averaged=averaged,
        excluded=_excluded(networks, conditions, averaged, notes),
        notes=notes,
    )


def numbers(column: pd.Series) -> np.ndarray:
    """A column as floats, null as NaN."""
    return pd.to_numeric(column).astype("Float64").to_numpy(float, na_value=np.nan)


def trials_needed(population: RunTables) -> pd.DataFrame:
    """Networks that had a criterion to meet; `needed`: the trials they took to it.

    One that `failed` stands at its `cap`, the most trials it was allowed: the median
    over all networks is right as long as fewer than half are there.
    """
    networks = population.networks
    if networks.empty:
        return networks
    cap = np.full(len(networks), float(population.run.sweep.train.trials))
    if "train.trials" in networks:
        cap = numbers(networks["train.trials"])
    cap = allowed(networks["status"], numbers(networks["trials"]), cap)
    found = trials_or_cap(
        networks["status"], numbers(networks["trials_to_criterion"]), cap
    )
    table = networks.assign(cap=cap, needed=found.trials, failed=found.failed)
    return table[networks["status"] != Status.TRAINED]


def needed_quartiles(own: pd.DataFrame) -> list[TrialsQuantile]:
    """Lower quartile, median and upper quartile of rows of `trials_needed`."""
    needed = TrialsOrCap(own["needed"].to_numpy(float), own["failed"].to_numpy(bool))
    return trials_quantiles(needed, [0.25, 0.5, 0.75])


def networks_behind(
    rows: pd.DataFrame, conditions: list[NamedCondition]
) -> dict[str, int]:
    """The number of networks with an accuracy among these rows, by condition."""
    counted = rows[rows["accuracy"].notna()].groupby("condition")["key"].nunique()
    return {c.id: int(counted.get(c.id, 0)) for c in conditions}


def _joined(table: pd.DataFrame, networks: pd.DataFrame) -> pd.DataFrame:
    if table.empty or networks.empty:
        return table.iloc[:0]
    return table.merge(networks[["key", "condition", "status", "index"]], on="key")


def _curves(table: pd.DataFrame, networks: pd.DataFrame) -> pd.DataFrame:
    curves = _joined(table, networks)
    if curves.empty:
        return curves
    return curves.sort_values(["index", "key", "trial"], ignore_index=True)


def _averaged(networks: pd.DataFrame) -> tuple[frozenset[str], dict[str, str]]:
    """In each condition those that learned; where none did, all that stayed finite.

    Decided by condition: one in which nothing converged is a result, and would
    otherwise vanish as soon as another condition has a network that did.
    """
    if networks.empty:
        return frozenset(), {}
    kept, notes = networks["status"].isin(LEARNED), {}
    for condition, own in networks.groupby("condition", sort=False):
        if own["status"].isin(LEARNED).any():
            continue
        finite = ~own["status"].isin([Status.DIVERGED, Status.STOPPED])
        if (own["status"] == Status.STOPPED).any() and not finite.any():
            kept.loc[own.index] = False
            notes[str(condition)] = STOPPED
            continue
        kept.loc[own.index] = finite
        notes[str(condition)] = ALL_SHOWN if finite.any() else ALL_DIVERGED
    return frozenset(networks.loc[kept, "key"]), notes


def _excluded(
    networks: pd.DataFrame,
    conditions: list[NamedCondition],
    averaged: frozenset[str],
    notes: dict[str, str],
) -> str:
    """Sentences that say which networks means and pairs leave out, and why."""
    if networks.empty:
        return ""
    said = []
    none = [c.label for c in conditions if notes.get(c.id) == ALL_SHOWN]
    if none and len(notes) == len(conditions):
        said.append("No network reached its criterion: all that stayed finite are used")
    elif none:
        said.append(f"None converged, so all that stayed finite are shown: {few(none)}")
    lost = [c.label for c in conditions if notes.get(c.id) == ALL_DIVERGED]
    if lost:
        said.append(f"All diverged, so nothing is shown: {few(lost)}")
    left = networks.loc[~networks["key"].isin(averaged), "status"].value_counts()
    parts = [f"{left[s]} {STATUSES.get(s, s)}" for s in sorted(left.index)]
    said += [f"Left out: {', '.join(parts)}"] if parts else []
    return " ".join(f"{sentence}." for sentence in said)


def few(labels: list[str]) -> str:
    """Names in a sentence, no more than a reader takes in."""
    more = len(labels) - MOST_NAMES
    return "; ".join(labels[:MOST_NAMES]) + (f"; and {more} more" if more > 0 else "")
