"""The tables that claims and figures are made of, derived from what a run recorded.

Degeneracy is of the networks that met their criterion: the others are counted, shown,
and take no part in any comparison.  Networks of one seed start from the same draws in
every condition (of one size), so that seeds are the units of every interval.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from popnet.runs.columns import flattened
from popnet.status import Status
from popnet.studies.degeneracy import measured
from popnet.studies.degeneracy.estimates import Estimate
from popnet.studies.degeneracy.factors import (
    FACTORS,
    ROOTS,
    TASK,
    Family,
    families,
    repeated,
)
from popnet.studies.degeneracy.mechanism import modes_of

if TYPE_CHECKING:
    import pandas as pd

    from popnet.config import LoadedSweep
    from popnet.runs import Run

STRETCHED = "epoch_durations"
"""The perturbation by which generalisation in time is tested."""
TWICE = 1.0
"""Its level at which a duration is doubled."""
NULLS = ("untrained", "shuffled", "again")
"""Settings that turn a metric into a null: what is left without what it measures."""


class Estimating(Protocol):
    """Where a number of a condition comes from."""

    def of(self, cell: OneCondition) -> Estimate:
        """The number of these networks, and without each of them."""
        ...


class OneCondition(NamedTuple):
    """The networks of one condition that met its criterion, and their pairs."""

    networks: pd.DataFrame
    pairs: pd.DataFrame


class DegeneracyTables:
    """The tables of one run."""

    def __init__(
        self,
        networks: pd.DataFrame,
        pairs: pd.DataFrame,
        found: tuple[Family, ...],
        modes: pd.DataFrame,
    ) -> None:
        self.networks = networks
        """All that ``run.table()`` has, with task, seed, failed, and ood_error: the
        error at twice the duration"""
        self.pairs = pairs
        """metric, settings, untrained, shuffled and again (no longer in settings),
        value, bound, condition, seed_a, seed_b: networks of one condition that met its
        criterion, with again each with itself"""
        self.families = found
        self.modes = modes
        """condition, key, rank and what ``modes_of`` finds, of a few networks"""
        self._estimates: dict[tuple[Estimating, str], Estimate] = {}

    @cached_property
    def cells(self) -> dict[str, OneCondition]:
        """The networks and pairs of each condition, in the sweep's order."""
        met = self.networks[~self.networks["failed"]]
        by_condition = dict(iter(self.pairs.groupby("condition", sort=False)))
        none = self.pairs.iloc[:0]
        return {
            condition: OneCondition(
                met[met["condition"] == condition], by_condition.get(condition, none)
            )
            for condition in self.conditions
        }

    @property
    def conditions(self) -> list[str]:
        """The conditions, in the sweep's order."""
        return [str(one) for one in dict.fromkeys(self.networks["condition"])]

    @property
    def tasks(self) -> list[str]:
        """The tasks of training, in the sweep's order."""
        return list(dict.fromkeys(self.networks["task"]))

    def family(self, factor: str, task: str) -> Family | None:
        """The family of a factor and a task; None where the sweep has none."""
        own = (f for f in self.families if (f.factor.name, f.task) == (factor, task))
        return next(own, None)

    def estimate(self, source: Estimating, condition: str) -> Estimate:
        """A number of a condition; claims, tables and figures ask for it again."""
        place = (source, condition)
        if place not in self._estimates:
            self._estimates[place] = source.of(self.cells[condition])
        return self._estimates[place]

    def of(self, condition: str) -> pd.DataFrame:
        """All networks of a condition, also those that failed."""
        return self.networks[self.networks["condition"] == condition]


def refuse(sweep: LoadedSweep) -> str | None:
    """Refuse a sweep that varies no factor of the paper, or compares no networks."""
    import pandas as pd

    rows = [
        {"condition": str(place), **flattened(condition.config)}
        for place, condition in enumerate(sweep.conditions)
    ]
    conditions = pd.DataFrame(rows)
    if not families(conditions):
        known = ", ".join(p for factor in FACTORS.values() for p in factor.paths)
        return (
            "no factor of degeneracy is varied alone within a task; its grid needs one "
            f"of {known}"
        )
    if repeated(conditions):
        return (
            "two conditions of a task differ in learning rate or trials alone; keep "
            "one of them"
        )
    if not sweep.sweep.after.compare:
        return "no networks are compared; after.compare needs dsa, weights and so on"
    return None


def read(run: Run) -> DegeneracyTables:
    """Derive the study's tables from a run's."""
    table = run.table()
    networks = table.assign(
        task=table[TASK],
        seed=table["index"],
        failed=table["status"] != Status.CONVERGED,
        ood_error=table["key"].map(_generalised(run)).astype(float),
    )
    networks = _with_activity(run, networks)
    settings = [c for c in networks if str(c).startswith(ROOTS)]
    rows = networks.drop_duplicates("condition")[["condition", *settings]]
    found = families(rows)
    pairs = pairs_of(run.comparisons(), networks)
    return DegeneracyTables(networks, pairs, found, modes_of(run, networks, found))


def _generalised(run: Run) -> dict[str, float]:
    """The error of each network, by key, where durations are doubled."""
    rows = run.evaluations()
    doubled = (rows["name"] == STRETCHED) & (rows["level"].astype(float) == TWICE)
    rows = rows[doubled & (rows["kind"] == "perturbation")].drop_duplicates("key")
    return dict(zip(rows["key"], rows["error"].astype(float), strict=True))


def _with_activity(run: Run, networks: pd.DataFrame) -> pd.DataFrame:
    """How alike the activity of each network as drawn and as trained is, if asked."""
    activity = run.dynamics()
    drawn = activity[activity["state"] == "untrained"]
    asked = list(measured.of_activity_change(drawn))
    found = drawn[["key", *asked]].drop_duplicates("key")
    left = networks.drop(columns=asked, errors="ignore")
    return left.merge(found.astype(dict.fromkeys(asked, float)), on="key", how="left")


def pairs_of(comparisons: pd.DataFrame, networks: pd.DataFrame) -> pd.DataFrame:
    """The pairs of networks of one condition of which both met its criterion."""
    met = networks[~networks["failed"]].set_index("key")[["condition", "seed", "task"]]
    rows = comparisons.merge(met, left_on="key_a", right_index=True)
    rows = rows.merge(met, left_on="key_b", right_index=True, suffixes=("_a", "_b"))
    rows = rows[rows["condition_a"] == rows["condition_b"]]
    rows = rows.rename(columns={"condition_a": "condition", "task_a": "task"})
    given: list[dict[str, Any]] = [json.loads(text) for text in rows["settings"]]
    nulls = {
        null: np.array([settings.pop(null, False) for settings in given], bool)
        for null in NULLS
    }
    bounds = {c: rows[c].astype(float) for c in ("bound", "starts") if c in rows}
    plain = [json.dumps(settings) for settings in given]
    return rows.assign(**nulls, **bounds, settings=plain)
