"""The tables that claims and figures are made of, derived from what a run recorded.

Every network is in them, whether it met its criterion or not; one that failed counts
with its cap of trials, and so does one that diverged, which has no tests.  Columns that
all tables share:

    key, task, level, configuration, seed, failed

``level`` is the graded spread of the study, ``configuration`` the other settings that
the sweep varies, ``failed`` whether a network never met its criterion, or lost it by
diverging.  Networks of one seed start from the same draws in every condition: seeds
are the independent units of every interval.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from popnet.analysis.trials_to_criterion import (
    allowed,
    learning_trials,
    trials_or_cap,
)
from popnet.canonical import label_of
from popnet.config.spread import GRADED_BY
from popnet.measures import MEASURES, CurveSeen
from popnet.studies.heterogeneity import measured
from popnet.studies.heterogeneity.doses import doses
from popnet.studies.heterogeneity.pairs import REPLICATE, pairs_of
from popnet.studies.heterogeneity.trained_tasks import memory_demand, trained_on

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from popnet.config import LoadedSweep
    from popnet.runs import Run

TASK = "task.name"
SPREADS = tuple(f".{name}" for name in GRADED_BY)
"""Endings of the settings that say how far a parameter differs between units."""
REDRAWN = "new_time_constants"
"""The perturbation that is graded by its own spread, beside the level of training."""
CRITERION = "train.until.accuracy"
WINDOW = "train.until.window"
CAP = "train.trials"
"""Tasks that are learned slowly may be allowed more trials."""
WAIT = "rule.wait_trials"
"""Trials before the rule learns; other rules have none."""
SHARED = ["key", "task", "level", "configuration", "seed", "failed"]


def learning() -> list[str]:
    """The columns of ``networks`` on how a network learned and what it then can do."""
    own = ["accuracy", "quiet_accuracy", "worst_type"]
    return ["doublings", *measured.of_curves(), *own]


def dynamics() -> list[str]:
    """The columns of ``networks`` on the activity and weights of a trained network."""
    return [*measured.of_activity(), *measured.of_weights()]


class Tables(NamedTuple):
    """The tables of one run."""

    networks: pd.DataFrame
    """all that ``run.table()`` has, with the measures of learning and dynamics; needed:
    the trials to the criterion, or the cap; doublings: log2 of those spent on learning,
    or left for it by the cap; cap; quiet_accuracy: without noise; worst_type: the error
    of the trial type that goes worst"""
    perturbed: pd.DataFrame
    """perturbation, settings, grade, accuracy, drop: of frozen networks"""
    tested: pd.DataFrame
    """tested (name with settings), name, accuracy, flipped_accuracy: on tasks; own: it
    is the task of training"""
    changed: pd.DataFrame
    """perturbation, settings, grade, and the measures of the perturbed activity"""
    resting: pd.DataFrame
    """state ("untrained" or "trained"), and the measures: activity at rest"""
    pairs: pd.DataFrame
    """metric, settings, untrained and shuffled (no longer in settings), value, seed_a,
    seed_b, failed: pairs of networks of one task; same: of one condition; retrained:
    one drawn network, trained twice"""
    doses: pd.DataFrame
    """the doses at half the loss of accuracy: see ``doses``"""
    demand: dict[str, float]
    """The memory demand of each task that declares one, in mean time constants."""
    level_name: str
    """The setting whose heterogeneity is graded, by its path."""

    @property
    def met(self) -> pd.DataFrame:
        """The networks that met their criterion and kept it, or had none."""
        return self.networks[~self.networks["failed"]]

    @property
    def tasks(self) -> list[str]:
        """The tasks of training, in the sweep's order."""
        return list(dict.fromkeys(self.networks["task"]))

    @property
    def configurations(self) -> list[str]:
        """The configurations, in the sweep's order."""
        return list(dict.fromkeys(self.networks["configuration"]))

    @property
    def levels(self) -> list[float]:
        """The graded levels, ascending."""
        return sorted(self.networks["level"].unique())


def graded(run: Run) -> str:
    """The setting whose heterogeneity the sweep grades: the spread with most values.

    Time constants, slopes, thresholds or biases; ``refuse`` asks for one.
    """
    table = run.table()
    spreads = [c for c in run.varied if c.endswith(SPREADS) and c in table]
    return max(spreads, key=lambda column: table[column].nunique())


def refuse(sweep: LoadedSweep) -> str | None:
    """Refuse a sweep that grades nothing."""
    if any(path.endswith(SPREADS) for path in sweep.varied):
        return None
    return "nothing is graded; its grid needs a spread, such as network.tau_s.spread"


def redrawn_level(settings: str) -> float:
    """The level at which time constants were drawn anew, from the test's settings."""
    given = json.loads(settings)
    return next(float(given[name]) for name in GRADED_BY if name in given)


def read(run: Run) -> Tables:
    """Derive the study's tables from a run's."""
    level = graded(run)
    every = _placed(run, level)
    pairs = pairs_of(run.comparisons(), every)
    networks = every[every[REPLICATE] == 0] if REPLICATE in every else every
    shared = networks[SHARED]
    evaluations = run.evaluations().rename(columns={"level": "grade"})
    evaluations = evaluations.merge(shared, on="key")
    activity = run.dynamics().rename(columns={"name": "perturbation", "level": "grade"})
    activity = activity.merge(shared, on="key")
    rest = activity["perturbation"] == ""
    resting, tested = activity[rest], _tested(evaluations)
    trained = resting[resting["state"] == "trained"]
    for part in (
        _of_curves(run, networks),
        _of_tests(tested, evaluations),
        _floats(trained, [*measured.of_activity()]),
    ):
        # the run may have been asked for some of the measures too
        left = networks.drop(columns=part.columns.drop("key"), errors="ignore")
        networks = left.merge(part, on="key", how="left")
    accuracy = networks.set_index("key")["accuracy"].astype(float)
    perturbed = _perturbed(evaluations, accuracy)
    changed = activity[~rest & (activity["state"] == "trained")]
    tasks = trained_on(networks)
    chance = {name: task.chance if task else 0.5 for name, task in tasks.items()}
    before = {str(key): float(value) for key, value in accuracy.items()}
    return Tables(
        networks,
        perturbed,
        tested,
        changed,
        resting,
        pairs,
        doses(perturbed, changed, before, chance, SHARED),
        memory_demand(networks, tasks),
        level,
    )


def _placed(run: Run, level: str) -> pd.DataFrame:
    """The networks with the columns that all tables share, and what they needed."""
    table = run.table()
    status = table["status"]
    cap = allowed(status, table["trials"], table[CAP])
    needed = trials_or_cap(status, table["trials_to_criterion"].astype(float), cap)
    own = (TASK, level, REPLICATE, CAP)
    others = [c for c in run.varied if c in table and c not in own]
    return table.assign(
        task=table[TASK],
        level=table[level].astype(float),
        configuration=_configurations(table, others),
        seed=table["index"],
        failed=needed.failed,
        cap=cap,
        needed=needed.trials,
        doublings=np.log2(_learned(table, needed.trials)),
    )


def _learned(table: pd.DataFrame, trials: NDArray[np.float64]) -> NDArray[np.float64]:
    """The trials spent on learning, of those to criterion or cap."""
    wait, window, share = (
        table[name].astype(float).fillna(default).to_numpy()
        if name in table
        else np.full(len(table), default)
        for name, default in ((WAIT, 0.0), (WINDOW, 0.0), (CRITERION, 1.0))
    )
    return learning_trials(trials, wait, window, share)


def _floats(rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The columns of each network, as numbers even where there is no row."""
    return rows[["key", *columns]].astype(dict.fromkeys(columns, float))


def _configurations(table: pd.DataFrame, columns: list[str]) -> list[str]:
    """Name the other settings: "into=drive, gain=1.5"; "" where there are none."""
    named = [_named_values(table[column]) for column in columns]
    return [
        ", ".join(filter(None, (values[row] for values in named)))
        for row in range(len(table))
    ]


def _named_values(column: pd.Series) -> list[str]:
    """Name a setting's values: "gain=1.5"; "" where only another task has it."""
    import pandas as pd

    from popnet.report.conditions import named

    name = str(column.name).removesuffix(".name").rsplit(".", 1)[-1]
    return [
        ""
        if value is None or value is pd.NA or value != value
        else f"{name}={named(value)}"
        for value in column
    ]


def _of_curves(run: Run, table: pd.DataFrame) -> pd.DataFrame:
    """Measure each network's learning curve."""
    import pandas as pd

    facts = table.set_index("key")
    met = facts["trials_to_criterion"].astype(float).to_dict()
    asked = facts.get(CRITERION, pd.Series(dtype=float)).dropna().to_dict()
    chosen = {name: MEASURES[name] for name in measured.of_curves()}
    rows = []
    for key, curve in run.curves().groupby("key"):
        if key not in met:
            continue
        curve = curve.sort_values("trial")
        seen = CurveSeen(
            curve["trial"].to_numpy(),
            curve["error"].to_numpy(),
            curve["accuracy"].to_numpy(),
            met[key] if np.isfinite(met[key]) else None,
        )
        if key in asked:
            seen = seen._replace(criterion=float(asked[key]))
        found = {n: m.of(m.settings(name=n), seen) for n, m in chosen.items()}
        rows.append({"key": key, **found})
    return _floats(pd.DataFrame(rows, columns=["key", *chosen]), [*chosen])


def _tested(evaluations: pd.DataFrame) -> pd.DataFrame:
    """The tests on tasks; a network is tested on its own task first."""
    import pandas as pd

    rows = evaluations[evaluations["kind"] == "task"]
    own = ~rows.duplicated("key")
    entries = zip(rows["name"], rows["settings"], strict=True)
    labels = pd.Series([label_of(*entry) for entry in entries], rows.index, dtype=str)
    # the own task, with other settings than the own
    defaults = ~own & (labels == rows["task"])
    labels = labels.mask(defaults, labels + "(defaults)").mask(own, rows["task"])
    return rows.assign(own=own, tested=labels)


def _of_tests(tested: pd.DataFrame, evaluations: pd.DataFrame) -> pd.DataFrame:
    """The accuracy without noise, and the error of the worst trial type."""
    quiet = evaluations[evaluations["kind"] == "quiet"].set_index("key")["accuracy"]
    own = tested[tested["own"]]
    worst = [np.max(errors) for errors in own["error_by_type"]]
    made = own[["key"]].assign(
        worst_type=worst, quiet_accuracy=own["key"].map(quiet.astype(float))
    )
    return _floats(made, ["worst_type", "quiet_accuracy"])


def _perturbed(evaluations: pd.DataFrame, accuracy: pd.Series) -> pd.DataFrame:
    """The tests under perturbations, with the drop from the accuracy without one."""
    rows = evaluations[evaluations["kind"] == "perturbation"]
    rows = rows.rename(columns={"name": "perturbation"})
    rows = rows[[*SHARED, "perturbation", "settings", "grade", "accuracy"]]
    before, after = rows["key"].map(accuracy), rows["accuracy"]
    return rows.assign(drop=before.astype(float) - after.astype(float))
