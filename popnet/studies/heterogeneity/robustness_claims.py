"""Claims on what perturbations do to trained networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from popnet.runs.findings import Verdict
from popnet.studies.effects import (
    by_seed,
    count_of,
    listed,
    mean_of,
    mean_over_seeds,
    standardised,
)
from popnet.studies.heterogeneity import measured
from popnet.studies.heterogeneity.learning_claims import memory_difference
from popnet.studies.heterogeneity.profiles import shapes
from popnet.studies.heterogeneity.tables import REDRAWN, SHARED, Tables
from popnet.studies.heterogeneity.tasks import MEMORY
from popnet.studies.study import Claim, Judgement
from popnet.studies.verdicts import above, below, both

if TYPE_CHECKING:
    import pandas as pd

COMPARED = [
    "time_constants", "initial_state", "impulses", "epoch_durations",
    "synaptic_jitter",
]  # fmt: skip
"""The perturbations whose harm is compared."""
NOTICED = 0.05
"""A change of accuracy of this size counts as one."""
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


def _jittered(frame: pd.DataFrame) -> pd.DataFrame:
    """A moderate jitter of the time constants."""
    rows = _kind(frame, "time_constants")
    return rows[np.isclose(rows["grade"], MODERATE)]


def _tau_dynamics(t: Tables) -> Judgement:
    rows, column = _jittered(t.changed), measured.of_change()
    moved = mean_of(rows, column)
    note = f"By task: {listed(rows, column)}. Altered: above {ALTERED:g}."
    return Judgement(moved, "of its deviations", above(moved, ALTERED), note)


def _tau_accuracy(t: Tables) -> Judgement:
    rows = _jittered(t.perturbed)
    drop = mean_of(rows, "drop")
    note = f"By task: {listed(rows, 'drop')}. As it is: below {NOTICED:g}."
    return Judgement(drop, "of trials", below(drop, NOTICED), note)


def _tau_redrawn(t: Tables) -> Judgement:
    rows = _kind(t.perturbed, REDRAWN)
    drop = mean_of(rows, "drop")
    note = f"By task: {listed(rows, 'drop')}."
    return Judgement(drop, "of trials", below(drop, NOTICED), note)


def _breaks(kind: str) -> Callable[[Tables], Judgement]:
    """Judge whether this perturbation disturbs memory tasks strongly."""

    def judge(t: Tables) -> Judgement:
        rows = _kind(t.perturbed, kind)
        difference = memory_difference(rows, "drop")
        effect = mean_over_seeds(difference)
        own = mean_of(rows[rows["task"].isin(MEMORY)], "drop")
        top = rows[rows["grade"] == rows["grade"].max()]
        note = (
            f"{standardised(difference)} Memory tasks alone: {own.value:.3f} "
            f"({own.low:.3f} to {own.high:.3f}). By task: {listed(rows, 'drop')}; at "
            f"the top grade {listed(top, 'drop')}."
        )
        verdict = both(above(effect, 0), above(own, NOTICED))
        return Judgement(effect, "of trials", verdict, note)

    return judge


def _jitter_is_worst(t: Tables) -> Judgement:
    drops = {kind: by_seed(_kind(t.perturbed, kind), "drop") for kind in COMPARED}
    jitter = drops.pop("synaptic_jitter")
    lead = [mean_over_seeds((jitter - other).dropna()) for other in drops.values()]
    nearest = min(lead, key=lambda effect: effect.value)
    rows = _kind(t.perturbed, "synaptic_jitter")
    strong = rows[rows["grade"] == rows["grade"].max()]
    hurt: list[Verdict] = [
        above(mean_of(cell, "drop"), NOTICED)
        for _, cell in strong.groupby(["task", "level"])
    ]
    means = {"synaptic_jitter": jitter, **drops}
    note = (
        "Mean drops: "
        + ", ".join(f"{kind} {drop.mean():.3f}" for kind, drop in means.items())
        + f". At the top grade {hurt.count('holds')} of {len(hurt)} cells (task x "
        "level) drop. The mean depends on which grades were chosen."
    )
    return Judgement(nearest, "of trials", both(above(nearest, 0), *hurt), note)


def _drops_not_monotone(t: Tables) -> Judgement:
    wide = t.networks[SHARED]
    for kind in COMPARED:
        mean = _kind(t.perturbed, kind).groupby("key")["drop"].mean()
        wide = wide.assign(**{kind: wide["key"].map(mean)})
    found = shapes(wide, COMPARED)
    effect = count_of(len(found.broken), found.seeds)
    unit = f"of {found.metrics} perturbations"
    return Judgement(effect, unit, found.verdict, found.note)


TAU_DYNAMICS = Claim(
    "tau_dynamics",
    "Perturbed time constants alter the dynamics of trained networks.",
    f"r.m.s. change of activity under {JITTER}, relative to its deviations",
    "tau_matrix",
    _tau_dynamics,
)
TAU_ACCURACY = Claim(
    "tau_accuracy",
    "Perturbed time constants mostly leave the accuracy as it is.",
    f"drop of accuracy under {JITTER}",
    "robustness",
    _tau_accuracy,
)
TAU_REDRAWN = Claim(
    "tau_redrawn",
    "So do time constants drawn anew at another level of heterogeneity.",
    "drop of accuracy, mean over training levels x test levels",
    "tau_matrix",
    _tau_redrawn,
)
BREAK_MEMORY = [
    Claim(
        kind,
        f"{what} disturb memory tasks strongly, and more than memoryless tasks.",
        "drop of accuracy, mean over grades: memory less memoryless tasks; and "
        f"memory tasks drop by more than {NOTICED:g}",
        "robustness",
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
    "drop of accuracy, mean over grades: synaptic jitter less the next worst "
    f"perturbation; and at its top grade a drop above {NOTICED:g} in every cell",
    "robustness",
    _jitter_is_worst,
)
DROPS_NOT_MONOTONE = Claim(
    "drops_not_monotone",
    "The harm a perturbation does does not follow the level of heterogeneity a "
    "network was trained at in one direction.",
    "perturbations whose mean drop of accuracy breaks every one direction",
    "robustness",
    _drops_not_monotone,
)
