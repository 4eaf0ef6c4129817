"""What a study's run recorded, as tables that claims are made of.

Every network is in them, whether it met its criterion or not; one that failed counts
with its cap of trials, and so does one that diverged, which has no tests.  Columns that
all tables share:

    key, task, level, configuration, seed, failed

``level`` is the graded spread of the study, ``configuration`` what else the sweep
varies, ``failed`` whether a network never met its criterion.  Networks of one seed
start from the same draws in every condition: seeds are the independent units of every
interval.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.error_dynamics import error_dynamics
from popnet.analysis.trials_to_criterion import trials_or_cap

if TYPE_CHECKING:
    import pandas as pd

    from popnet.runs import Run

SHARED = ["key", "task", "level", "configuration", "seed", "failed"]
MEASURES = [
    "pca_dimension", "participation_ratio", "speed", "condition_distance",
    "autocorrelation_s",
]  # fmt: skip


class Evidence(NamedTuple):
    """The tables of one run."""

    networks: pd.DataFrame
    """trials (to the criterion, or the cap), doublings (their log2), accuracy,
    quiet_accuracy, error, area, relapses, variance, residual, weight_change,
    spectral_radius, worst_type, and the measures of activity at rest"""
    perturbed: pd.DataFrame
    """perturbation, grade, accuracy, drop: of frozen networks"""
    transfer: pd.DataFrame
    """tested, accuracy, flipped_accuracy: on tasks they were not trained on"""
    changed: pd.DataFrame
    """perturbation, grade, trajectory_change: activity of perturbed networks"""
    pairs: pd.DataFrame
    """metric, untrained, value, seed_a, seed_b, same: pairs of one task's networks"""


def graded(run: Run) -> str:
    """The setting whose heterogeneity the sweep grades: the spread with most values.

    Time constants, slopes, thresholds or biases; ``popnet study`` asks for one.
    """
    table = run.table()
    spreads = [c for c in run.varied if c.endswith(".spread")]
    return max(spreads, key=lambda column: table[column].nunique())


def gathered(run: Run) -> Evidence:
    """The evidence of a study's run."""
    table, level = run.table(), graded(run)
    others = [c for c in run.varied if c not in ("task.name", level)]
    needed = trials_or_cap(
        table["status"], table["trials_to_criterion"].astype(float),
        table["train.trials"],
    )  # fmt: skip
    shared = table[["key"]].assign(
        task=table["task.name"],
        level=table[level].astype(float),
        configuration=_configurations(table, others),
        seed=table["index"],
        failed=needed.failed,
    )
    evaluations = run.evaluations().rename(columns={"level": "grade"})
    evaluations = evaluations.merge(shared, on="key")
    own = evaluations[
        (evaluations["kind"] == "task") & (evaluations["name"] == evaluations["task"])
    ].set_index("key")
    activity = run.dynamics()
    resting = activity[(activity["state"] == "trained") & (activity["name"] == "")]
    networks = (
        shared.merge(_training(run, table, needed.trials), on="key")
        .merge(_tests(own, evaluations), on="key", how="left")
        .merge(resting[["key", *MEASURES]], on="key", how="left")
    )
    return Evidence(
        networks,
        _perturbed(evaluations, own["accuracy"]),
        _transfer(evaluations),
        _changed(activity, shared),
        _pairs(run.comparisons(), shared),
    )


def _configurations(table: pd.DataFrame, columns: list[str]) -> list[str]:
    """ "drive", or "drive, gain=1.5": what else the sweep varies."""
    named = [
        [f"{column.split('.')[-1]}={value}" for value in table[column]]
        for column in columns
    ]
    return [", ".join(parts) for parts in zip(*named, strict=True)] or [""] * len(table)


def _training(
    run: Run, table: pd.DataFrame, trials: NDArray[np.float64]
) -> pd.DataFrame:
    """How each network learned."""
    import pandas as pd

    rows = table[["key", "weight_change", "spectral_radius"]].assign(
        trials=trials, doublings=np.log2(np.maximum(trials, 1))
    )
    criterion = table.set_index("key")["train.until.accuracy"].to_dict()
    met = table.set_index("key")["trials_to_criterion"].to_dict()
    curves = []
    for key, curve in run.curves().groupby("key"):
        if key not in met:
            continue
        curve = curve.sort_values("trial")
        reached = None if pd.isna(met[key]) else int(met[key])
        found = error_dynamics(
            curve["trial"].to_numpy(), curve["error"].to_numpy(),
            curve["accuracy"].to_numpy(), reached, float(criterion[key]),
        )  # fmt: skip
        curves.append({"key": key, **found._asdict()})
    return rows.merge(pd.DataFrame(curves), on="key", how="left")


def _tests(own: pd.DataFrame, evaluations: pd.DataFrame) -> pd.DataFrame:
    """Accuracies of the frozen networks, and the error of their worst trial type."""
    quiet = evaluations[evaluations["kind"] == "quiet"].set_index("key")["accuracy"]
    worst = [np.max(errors) for errors in own["error_by_type"]]
    made = own[["accuracy", "error"]].assign(worst_type=worst, quiet_accuracy=quiet)
    return made.reset_index()


def _perturbed(evaluations: pd.DataFrame, own: pd.Series) -> pd.DataFrame:
    rows = evaluations[evaluations["kind"] == "perturbation"]
    rows = rows.rename(columns={"name": "perturbation"})
    rows = rows[[*SHARED, "perturbation", "grade", "accuracy"]]
    return rows.assign(drop=rows["key"].map(own) - rows["accuracy"])


def _transfer(evaluations: pd.DataFrame) -> pd.DataFrame:
    rows = evaluations[
        (evaluations["kind"] == "task") & (evaluations["name"] != evaluations["task"])
    ].rename(columns={"name": "tested"})
    return rows[[*SHARED, "tested", "accuracy", "flipped_accuracy"]]


def _changed(activity: pd.DataFrame, shared: pd.DataFrame) -> pd.DataFrame:
    rows = activity[(activity["state"] == "trained") & (activity["name"] != "")]
    rows = rows.rename(columns={"name": "perturbation", "level": "grade"})
    columns = ["key", "perturbation", "grade", "trajectory_change"]
    return rows[columns].merge(shared, on="key")


def _pairs(comparisons: pd.DataFrame, shared: pd.DataFrame) -> pd.DataFrame:
    """Pairs of networks trained on one task."""
    columns = ["task", "level", "configuration", "seed"]
    about = shared.set_index("key")[columns]
    rows = comparisons.merge(about, left_on="key_a", right_index=True)
    rows = rows.merge(about, left_on="key_b", right_index=True, suffixes=("_a", "_b"))
    rows = rows[rows["task_a"] == rows["task_b"]].rename(columns={"task_a": "task"})
    same = (rows["level_a"] == rows["level_b"]) & (
        rows["configuration_a"] == rows["configuration_b"]
    )
    return rows.assign(
        untrained=rows["metric"].str.contains("untrained", regex=False),
        metric=rows["metric"].str.split("(").str[0],
        same=same,
    )
