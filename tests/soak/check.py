"""What the faults changed: the disturbed run beside the quiet one, bit by bit."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from popnet import open_run

COLUMNS = ["key", "status", "trials", "final_error", "final_accuracy", "weight_change"]


class Verdict(NamedTuple):
    """Counts of networks."""

    planned: int
    lost: int
    double: int
    different: int
    """Networks with any bit of weights, curve or test that is not the quiet run's."""
    mlflow_runs: int
    mlflow_double: int

    @property
    def whole(self) -> bool:
        bad = self.lost, self.double, self.different, self.mlflow_double
        return not any(bad) and self.mlflow_runs == self.planned


def compared(quiet: Path, disturbed: Path, mlflow: Path) -> Verdict:
    """Compare two runs of one sweep, and count MLflow's runs."""
    one, other = open_run(quiet / "soak"), open_run(disturbed / "soak")
    keys = [n.key for n in one.networks]
    rows = Counter(other.table()["key"])
    lost = [key for key in keys if key not in rows]
    double = [key for key, times in rows.items() if times > 1]
    both = [key for key in keys if key in rows]
    facts = _facts(one), _facts(other)
    different = [
        key
        for key in both
        if _bits(one, key) != _bits(other, key) or facts[0][key] != facts[1][key]
    ]
    runs = Counter(_mlflow_keys(mlflow))
    return Verdict(
        len(keys), len(lost), len(double), len(different), sum(runs.values()),
        sum(times - 1 for times in runs.values()),
    )  # fmt: skip


def _bits(run, key: str) -> dict[str, bytes]:
    network = run.network(key)
    stages = {"initial": network.initial, "final": network.final}
    return {f"{s}.{n}": a.tobytes() for s, t in stages.items() for n, a in t.items()}


def _facts(run) -> dict[str, str]:
    """Each network's row, curve and tests, as text."""
    facts: dict[str, str] = {}
    for row in run.table()[COLUMNS].itertuples(index=False):
        facts[row.key] = repr(row)
    lists = ["error_by_type", "accuracy_by_type"]
    for table in (run.curves(), run.evaluations().drop(columns=lists)):
        for key, rows in table.groupby("key"):
            facts[str(key)] += rows.to_csv(index=False)
    return facts


def _mlflow_keys(folder: Path) -> list[str]:
    query = (
        "SELECT key.value FROM runs JOIN tags AS key USING (run_uuid)"
        " JOIN tags AS kind USING (run_uuid)"
        " JOIN tags AS whole USING (run_uuid) WHERE key.key = 'popnet.key'"
        " AND kind.key = 'popnet.kind' AND kind.value = 'network'"
        " AND whole.key = 'popnet.complete' AND lifecycle_stage = 'active'"
    )
    with sqlite3.connect(folder / "mlflow.db") as database:
        return [key for (key,) in database.execute(query)]
