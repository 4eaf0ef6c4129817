"""The records of a run, read once and put in the order of the report."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from popnet.report.conditions import Condition, arrange
from popnet.report.recorded import RecordedRun

STATUSES = {
    "converged": "converged",
    "unconverged": "not converged",
    "diverged": "diverged",
    "trained": "trained, no criterion",
}
LEARNED = ["converged", "trained"]


@dataclass(frozen=True)
class Population:
    """The tables of a run; every table knows condition, status and index."""

    run: RecordedRun
    conditions: list[Condition]
    networks: pd.DataFrame
    curves: pd.DataFrame
    evaluations: pd.DataFrame
    comparisons: pd.DataFrame
    averaged: frozenset[str]  # keys of the networks that means and pairs are over
    excluded: str  # the sentence that says which networks they leave out

    def averages(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of the networks that may enter a mean."""
        return table[table["key"].isin(self.averaged)]


def load(run: RecordedRun) -> Population:
    """Read every table of the run."""
    networks = run.table()
    conditions = arrange(networks, run.varied)
    place = {condition.id: i for i, condition in enumerate(conditions)}
    if not networks.empty:
        order = networks.assign(_place=networks["condition"].map(place))
        order = order.sort_values(["_place", "index", "key"], kind="stable")
        networks = order.drop(columns="_place").reset_index(drop=True)
    averaged, excluded = _averaged(networks)
    return Population(
        run=run,
        conditions=conditions,
        networks=networks,
        curves=_curves(run.curves(), networks),
        evaluations=_joined(run.evaluations(), networks),
        comparisons=run.comparisons(),
        averaged=averaged,
        excluded=excluded,
    )


def numbers(column: pd.Series) -> np.ndarray:
    """A column as floats, null as NaN."""
    return pd.to_numeric(column).astype("Float64").to_numpy(float, na_value=np.nan)


def trials_needed(population: Population) -> pd.DataFrame:
    """Networks that had a criterion to meet; `needed`: the trials they took to it.

    One that never met it stands at its cap (`cap`), the most trials it was allowed:
    the median over all networks is right as long as fewer than half are there.
    """
    networks = population.networks
    if networks.empty:
        return networks
    reached = numbers(networks["trials_to_criterion"])
    cap = np.full(len(networks), float(population.run.sweep.train.trials))
    if "train.trials" in networks:
        cap = numbers(networks["train.trials"])
    needed = np.where(np.isfinite(reached), reached, cap)
    return networks.assign(cap=cap, needed=needed)[networks["status"] != "trained"]


def _joined(table: pd.DataFrame, networks: pd.DataFrame) -> pd.DataFrame:
    if table.empty or networks.empty:
        return table.iloc[:0]
    return table.merge(networks[["key", "condition", "status", "index"]], on="key")


def _curves(table: pd.DataFrame, networks: pd.DataFrame) -> pd.DataFrame:
    curves = _joined(table, networks)
    if curves.empty:
        return curves
    return curves.sort_values(["index", "key", "trial"], ignore_index=True)


def _averaged(networks: pd.DataFrame) -> tuple[frozenset[str], str]:
    """Networks that learned; where none did, all that are still finite."""
    if networks.empty:
        return frozenset(), ""
    status = networks["status"]
    kept = status.isin(LEARNED)
    said = ""
    if not kept.any():
        kept = status != "diverged"
        said = "No network reached its criterion, so all that stayed finite are used. "
    left = status[~kept].value_counts(sort=False)
    if len(left):
        parts = [f"{left[s]} {STATUSES.get(s, s)}" for s in sorted(left.index)]
        said += f"Left out: {', '.join(parts)}."
    return frozenset(networks.loc[kept, "key"]), said.strip()
