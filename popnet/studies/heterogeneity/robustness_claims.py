"""Claims on what perturbations do to trained networks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from popnet.studies.effects import listed, seed_values, standardised
from popnet.studies.evidence import AllOf, Mean, Unless, above, within
from popnet.studies.heterogeneity import measured
from popnet.studies.heterogeneity.censored import TaskMeans, task_means
from popnet.studies.heterogeneity.contrasts import SLOPE, by_demand, by_version
from popnet.studies.heterogeneity.profiles import SHARED_DIRECTION, directions
from popnet.studies.heterogeneity.tables import REDRAWN, SHARED, Tables
from popnet.studies.study import Claim, Judgement

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
COMPARED = [
    "time_constants", "initial_state", "impulses", "epoch_durations",
    "synaptic_jitter",
]  # fmt: skip
"""The perturbations whose harm is looked at."""
ON_ONE_SCALE = ["time_constants", "initial_state", "impulses", "synaptic_jitter"]
"""Those whose harm is compared, by the change of activity that they cause."""
MOST = 0.5
"""More than this share of networks is most of them."""
BEYOND = 0.1
"""The smallest difference from it of interest."""
NOTICED = 0.05
"""The smallest change of accuracy of interest."""
ALTERED = 0.1
"""Activity is altered when it moves by this part of its own deviations."""
MODERATE = 0.4
"""The grade of a jitter of time constants at which it is judged."""
JITTER = f"a jitter of {MODERATE:.0%}"


def _kind(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """One perturbation of the networks that had learned, whatever its settings.

    A network at chance has nothing to lose.  Grade 0 changes nothing, and is left out.
    """
    asked = frame["perturbation"] == kind
    return frame[asked & (frame["grade"] != 0) & ~frame["failed"]]


def _at_another_level(frame: pd.DataFrame, level_name: str) -> pd.DataFrame:
    """Time constants drawn anew at another level than that of training.

    At its own level they are the same again, and change nothing.
    """
    rows = _kind(frame, REDRAWN)
    graded = level_name.rsplit(".", 1)[-1]
    level = [json.loads(text).get(graded) for text in rows["settings"]]
    own = np.array([np.nan if one is None else one for one in level], float)
    return rows[~np.isclose(own, rows["level"].to_numpy(float))]


def _jittered(frame: pd.DataFrame) -> pd.DataFrame:
    """A moderate jitter of the time constants."""
    rows = _kind(frame, "time_constants")
    return rows[np.isclose(rows["grade"], MODERATE)]


def _tau_dynamics(t: Tables, smallest: float) -> Judgement:
    rows, column = _jittered(t.changed), measured.of_change()
    note = f"By task: {listed(rows, column)}. Altered: above {smallest:g}."
    part = above(seed_values(rows, column), smallest, none=smallest)
    return Judgement(part.effect, "of its deviations", part, note)


def _harmless(rows: pd.DataFrame, smallest: float) -> Judgement:
    """Judge that a perturbation leaves the accuracy as it is."""
    note = f"By task: {listed(rows, 'drop')}. As it is: within {smallest:g}."
    part = within(seed_values(rows, "drop"), smallest)
    return Judgement(part.effect, "of trials", part, note)


def _tau_accuracy(t: Tables, smallest: float) -> Judgement:
    return _harmless(_jittered(t.perturbed), smallest)


def _tau_redrawn(t: Tables, smallest: float) -> Judgement:
    return _harmless(_at_another_level(t.perturbed, t.level_name), smallest)


def _doses(t: Tables, kind: str, column: str) -> pd.DataFrame:
    """The doses of one perturbation of the networks that had learned."""
    doses = t.doses
    known = (doses["perturbation"] == kind) & ~doses["failed"] & doses[column].notna()
    return doses[known]


def _breaks(kind: str) -> Callable[[Tables, float], Judgement]:
    """Judge whether this perturbation disturbs memory tasks strongly, and more."""

    def judge(t: Tables, smallest: float) -> Judgement:
        rows = _doses(t, kind, "doublings")
        # the top grade where none costs half: up to there all tasks were graded alike
        found = task_means(rows, "doublings", None)
        # a task that is disturbed more bears a smaller dose
        slope = found.combined(_less(by_demand(t.demand, found.variances())), smallest)
        versions = found.combined(_less(by_version(t.demand)), smallest)
        memory = rows[rows["task"].map(t.demand).fillna(0) > 0]
        broken = memory.assign(broken=1.0 - memory["unbroken"])
        strongly = _most(broken)
        own, lost = versions.part.effect, strongly.effect
        moved = _listed_means(task_means(_doses(t, kind, "moved"), "moved", "unmoved"))
        note = (
            f"{standardised(slope.part.values_S)} Tasks with a delay less the same "
            f"tasks without: {own.value:.2f} ({own.low:.2f} to {own.high:.2f}). "
            f"{lost.value + MOST:.0%} of the networks with memory tasks lose half "
            f"within the grades. Dose: {_listed_means(found)}. As change of activity: "
            f"{moved or 'not recorded'}."
        )
        evidence = AllOf((slope, strongly))
        return Judgement(slope.part.effect, "doublings", evidence, note)

    return judge


def _most(rows: pd.DataFrame) -> Mean:
    """Evidence that most networks lose half: shares of a seed's, from 0 to 1."""
    shares_S = seed_values(rows, "broken") - MOST
    return Mean(shares_S, "above", BEYOND, limits=(-MOST, 1 - MOST))


def _less(weights: Mapping[str, float]) -> dict[str, float]:
    return {task: -weight for task, weight in weights.items()}


def _listed_means(found: TaskMeans) -> str:
    """The geometric mean dose of each task: "dnms 1.2, xor 3.5"."""
    return ", ".join(
        f"{task} {2 ** values[0]:.3g}" for task, values in found.by_task.items()
    )


def _jitter_is_worst(t: Tables, smallest: float) -> Judgement:
    jitter = "synaptic_jitter"
    others = [kind for kind in ON_ONE_SCALE if kind != jitter]
    leads = {
        kind: Mean(_leads(t, jitter, kind), "above", smallest, limits=(-1.0, 1.0))
        for kind in others
    }
    nearest = min(leads, key=lambda kind: leads[kind].effect.value)
    rows = _doses(t, jitter, "doublings")
    broken = rows.assign(broken=1.0 - rows["unbroken"])
    cells = [_most(cell) for _, cell in broken.groupby(["task", "level"])]
    spared = [float(cell.shown().false) for cell in cells]
    most = Unless(
        _most(broken), min(1.0, max(len(cells), 1) * min(spared, default=1.0))
    )
    hurt = sum(cell.effect.value > 0 for cell in cells)
    note = (
        f"Next worst: {nearest}. Change of activity at half the loss: "
        + ", ".join(f"{kind} {_moved_by(t, kind)}" for kind in ON_ONE_SCALE)
        + f". In {hurt} of {len(cells)} cells (task x level) most networks lose half "
        "by jitter within its grades. Other durations cannot be compared step by step "
        "and are left out."
    )
    evidence = AllOf((*leads.values(), most))
    return Judgement(leads[nearest].effect, "of networks", evidence, note)


def _leads(t: Tables, worse: str, other: str) -> Array:
    """By seed, the share of networks that one perturbation harms more, less the rest.

    It harms a network more where it costs half of the accuracy and the other does not,
    up to its physical limit; or where both do, and it does at a smaller change of
    activity.  Where neither does they are even.
    """
    rows = _doses(t, worse, "moved").merge(
        _doses(t, other, "moved")[["key", "unbroken", "moved"]],
        on="key",
        suffixes=("", "_other"),
    )
    mine, theirs = rows["unbroken"].astype(bool), rows["unbroken_other"].astype(bool)
    nearer = np.sign(rows["moved_other"] - rows["moved"])
    alone = theirs.astype(float) - mine.astype(float)
    return seed_values(rows.assign(lead=alone.mask(~mine & ~theirs, nearer)), "lead")


def _moved_by(t: Tables, kind: str) -> str:
    """The change of activity at half the loss, a geometric mean over tasks."""
    found = task_means(_doses(t, kind, "moved"), "moved", "unmoved")
    if not found.by_task:
        return "not recorded"
    mean = np.mean([values[0] for values in found.by_task.values()])
    return f"{'more than ' if found.at_least else ''}{2**mean:.3g}"


def _drops_not_monotone(t: Tables, smallest: float) -> Judgement:
    wide = t.networks[SHARED]
    for kind in COMPARED:
        mean = _kind(t.perturbed, kind).groupby("key")["drop"].mean()
        wide = wide.assign(**{kind: wide["key"].map(mean)})
    return directions(wide, COMPARED, smallest).judgement("perturbations")


TAU_DYNAMICS = Claim(
    "tau_dynamics",
    "Perturbed time constants alter the dynamics of trained networks.",
    f"r.m.s. change of activity under {JITTER}, relative to its deviations",
    "tau_matrix",
    ALTERED,
    "of its deviations",
    _tau_dynamics,
)
TAU_ACCURACY = Claim(
    "tau_accuracy",
    "Perturbed time constants mostly leave the accuracy as it is.",
    f"drop of accuracy under {JITTER}",
    "robustness",
    NOTICED,
    "of trials",
    _tau_accuracy,
)
TAU_REDRAWN = Claim(
    "tau_redrawn",
    "So do time constants drawn anew at another level of heterogeneity.",
    "drop of accuracy, mean over training levels x other test levels",
    "tau_matrix",
    NOTICED,
    "of trials",
    _tau_redrawn,
)
BREAK_MEMORY = [
    Claim(
        kind,
        f"{what} disturb memory tasks strongly, and more than memoryless tasks.",
        "doublings of the dose at half the loss of accuracy, or of the top grade where "
        f"none costs half, that a task bears less: {SLOPE}; and more than {MOST:.0%} "
        "of the networks with memory tasks lose half",
        "robustness",
        0.5,
        "doublings",
        _breaks(kind),
    )
    for kind, what in (
        ("initial_state", "Other initial conditions"),
        ("impulses", "Added impulses"),
        ("epoch_durations", "Other epoch durations"),
    )
]
JITTER_IS_WORST = Claim(
    "jitter_is_worst",
    "Synaptic jitter does most harm, to all tasks at all levels of heterogeneity.",
    "share of networks that jitter harms more than another perturbation does (it alone "
    "costs half of the accuracy, or does so at a smaller change of activity), less the "
    "share that it harms less; shown: the least over perturbations; and more than "
    f"{MOST:.0%} of the networks lose half by jitter, in no cell fewer",
    "robustness",
    0.2,
    "of networks",
    _jitter_is_worst,
)
DROPS_NOT_MONOTONE = Claim(
    "drops_not_monotone",
    "The harm a perturbation does does not follow the level of heterogeneity a "
    "network was trained at in one direction.",
    f"of the mean drop of accuracy: {SHARED_DIRECTION}",
    "robustness",
    0.3,
    "of rank correlation",
    _drops_not_monotone,
)
