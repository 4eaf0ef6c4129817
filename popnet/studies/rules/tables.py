"""The tables that claims and figures are made of, derived from what a run recorded.

Only networks that met their criterion are compared; the others are counted and shown.
Networks of one seed start from the same draws in every condition, so that seeds are the
units of every interval.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.trials_to_criterion import trials_or_cap
from popnet.runs.columns import flattened
from popnet.status import Status
from popnet.studies.rules.design import NEEDED, ROOTS, Design, design, repeated
from popnet.studies.rules.distances import FEWEST_NETWORKS, Distances
from popnet.studies.rules.estimates import SeedEstimate, nothing, of_seeds

if TYPE_CHECKING:
    import pandas as pd

    from popnet.config import LoadedSweep
    from popnet.runs import Run

Array = NDArray[np.float64]
SIMILARITIES = ("svcca", "cka")
"""Metrics of which 1 less the value is the distance."""
NULLS = ("untrained", "shuffled", "again")
"""Settings that turn a metric into a null: what is left without what it measures."""
NEEDED_METRICS = ("svcca", "topology", "neighbour_inputs")
"""Of these one at least is compared by; a claim on one that is not stays open."""
LEARNING = "log2_trials"
"""log2 of trials to criterion; of a network that never met it, log2 of its cap."""


class RulesTables:
    """The tables of one run."""

    def __init__(
        self, networks: pd.DataFrame, pairs: pd.DataFrame, found: Design
    ) -> None:
        self.networks = networks
        """All that ``run.table()`` has, with seed, failed and log2_trials"""
        self.pairs = pairs
        """metric, value, condition_a, condition_b, place_a, place_b (of the seeds):
        pairs of networks that met their criterion; similarities s as 1 - s"""
        self.design = found
        self.seeds = sorted(int(s) for s in networks["seed"].unique())
        self._distances: dict[str, Distances] = {}
        self._scalars: dict[tuple[str, str], Array] = {}

    def distances(self, metric: str) -> Distances:
        """The distances of a metric; all missing where it was not asked for."""
        if metric not in self._distances:
            rows = self.pairs[self.pairs["metric"] == metric]
            self._distances[metric] = Distances(
                blocks_of(rows, len(self.seeds)), len(self.seeds)
            )
        return self._distances[metric]

    def scalar(self, name: str, condition: str) -> Array:
        """A measure of the networks of a condition by seed, [S].

        NaN for a network that did not meet its criterion, but in what is of learning.
        """
        place = (name, condition)
        if place not in self._scalars:
            own = self.networks[self.networks["condition"] == condition]
            if name != LEARNING:
                own = own[~own["failed"]]
            column = column_of(own, name)
            values = np.full(len(self.seeds), np.nan)
            if column is not None:
                at = np.searchsorted(self.seeds, own["seed"].to_numpy(int))
                values[at] = own[column].to_numpy(float)
            self._scalars[place] = values
        return self._scalars[place]

    def mean(self, name: str, condition: str) -> SeedEstimate:
        """The mean of a measure over the networks of a condition."""
        values = self.scalar(name, condition)
        if np.isfinite(values).sum() < FEWEST_NETWORKS:
            return nothing(len(self.seeds))
        return of_seeds(values)

    def met(self, condition: str) -> tuple[int, int]:
        """How many networks of a condition met their criterion, and how many it has."""
        own = self.networks[self.networks["condition"] == condition]
        return int((~own["failed"]).sum()), len(own)

    def enough(self, conditions: dict[Any, str]) -> dict[Any, str]:
        """The conditions of which enough networks met their criterion."""
        return {
            level: condition
            for level, condition in conditions.items()
            if self.met(condition)[0] >= FEWEST_NETWORKS
        }


def blocks_of(rows: pd.DataFrame, seeds: int) -> dict[tuple[str, str], Array]:
    """Distances [S, S] by the conditions of both networks.

    Both orders of two networks are one; a network beside itself has no distance.
    """
    blocks: dict[tuple[str, str], Array] = {}
    for (one, other), own in rows.groupby(["condition_a", "condition_b"], sort=False):
        a, b = own["place_a"].to_numpy(int), own["place_b"].to_numpy(int)
        value = own["value"].to_numpy(float)
        if (other, one) in blocks and one != other:
            blocks[str(other), str(one)][b, a] = value
            continue
        block = np.full((seeds, seeds), np.nan)
        block[a, b] = value
        if one == other:
            block[b, a] = value
            np.fill_diagonal(block, np.nan)
        blocks[str(one), str(other)] = block
    return blocks


def column_of(networks: pd.DataFrame, name: str) -> str | None:
    """The column of a measure: its name, or that with settings in brackets."""
    own = (c for c in networks if c == name or str(c).startswith(f"{name}("))
    return next((str(c) for c in own), None)


def refuse(sweep: LoadedSweep) -> str | None:
    """Refuse a sweep that has no two rules on one task, or compares no networks."""
    import pandas as pd

    found = pd.DataFrame(
        [
            {"condition": str(place), **flattened(condition.config)}
            for place, condition in enumerate(sweep.conditions)
        ]
    )
    if not set(NEEDED) <= set(found):
        return "no condition has random_dots or n_context as its task"
    made = design(found)
    if not made.places:
        return "no condition has random_dots or n_context as its task"
    if repeated(made):
        return (
            "two conditions have one rule, version, task, noise and initial scale, and "
            "differ in something else; keep one of them"
        )
    if not any(
        len(made.by_rule(version, task)) > 1
        for version in ("matched", "published")
        for task in made.tasks
    ):
        return (
            "no task is learned by two rules at one noise and initial scale; its grid "
            "needs rule.name to vary"
        )
    asked = {metric.name for metric in sweep.sweep.after.compare}
    if asked.isdisjoint(NEEDED_METRICS):
        return (
            "no networks are compared by what the claims are about; after.compare "
            f"needs {', '.join(NEEDED_METRICS)}"
        )
    if sweep.sweep.after.pairs != "all":
        return "rules are compared with each other: after.pairs has to be all"
    return None


def read(run: Run) -> RulesTables:
    """Derive the study's tables from a run's."""
    table = run.table()
    needed = trials_or_cap(
        table["status"], table["trials_to_criterion"], table["train.trials"]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        log2_trials = np.log2(needed.trials)
    networks = table.assign(
        seed=table["index"].astype(int),
        failed=table["status"] != Status.CONVERGED,
        **{LEARNING: log2_trials},
    )
    settings = [c for c in networks if str(c).startswith(ROOTS)]
    rows = networks.drop_duplicates("condition")[["condition", *settings]]
    return RulesTables(networks, pairs_of(run.comparisons(), networks), design(rows))


def pairs_of(comparisons: pd.DataFrame, networks: pd.DataFrame) -> pd.DataFrame:
    """The pairs of networks of which both met their criterion, as distances.

    Of a metric with several settings those that come first in the table count; nulls
    never do.
    """
    met = networks.loc[~networks["failed"], ["key", "condition", "seed"]]
    seeds = np.unique(networks["seed"].to_numpy(int))
    met = met.assign(place=np.searchsorted(seeds, met["seed"].to_numpy(int)))
    kept: dict[str, str] = {}
    found = comparisons[["metric", "settings"]].drop_duplicates()
    for metric, text in zip(found["metric"], found["settings"], strict=True):
        given = json.loads(text)
        if metric not in kept and not any(given.get(null) for null in NULLS):
            kept[metric] = text
    rows = comparisons[comparisons["metric"].map(kept) == comparisons["settings"]]
    own = met.drop(columns="seed").set_index("key")
    rows = rows.merge(own, left_on="key_a", right_index=True)
    rows = rows.merge(own, left_on="key_b", right_index=True, suffixes=("_a", "_b"))
    value = rows["value"].astype(float)
    alike = rows["metric"].isin(SIMILARITIES)
    rows = rows.assign(value=np.where(alike, 1 - value, value))
    return rows[["metric", "value", "condition_a", "condition_b", "place_a", "place_b"]]
