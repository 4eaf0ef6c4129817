"""Claims on what perturbations do to trained networks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from popnet.studies.effects import (
    by_seed,
    listed,
    seed_values,
    standardised,
)
from popnet.studies.evidence import AllOf, above, within
from popnet.studies.heterogeneity import measured
from popnet.studies.heterogeneity.learning_claims import memory_difference
from popnet.studies.heterogeneity.profiles import SIGNIFICANT, directions
from popnet.studies.heterogeneity.tables import REDRAWN, SHARED, Tables
from popnet.studies.heterogeneity.tasks import MEMORY
from popnet.studies.study import Claim, Judgement

if TYPE_CHECKING:
    import pandas as pd

COMPARED = [
    "time_constants", "initial_state", "impulses", "epoch_durations",
    "synaptic_jitter",
]  # fmt: skip
"""The perturbations whose harm is compared."""
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


def _breaks(kind: str) -> Callable[[Tables, float], Judgement]:
    """Judge whether this perturbation disturbs memory tasks strongly."""

    def judge(t: Tables, smallest: float) -> Judgement:
        rows = _kind(t.perturbed, kind)
        more = above(memory_difference(rows, "drop"), smallest)
        memory = rows[rows["task"].isin(MEMORY)]
        strongly = above(seed_values(memory, "drop"), smallest, none=smallest)
        own = strongly.effect
        top = rows[rows["grade"] == rows["grade"].max()]
        note = (
            f"{standardised(more.values_S)} Memory tasks alone: {own.value:.3f} "
            f"({own.low:.3f} to {own.high:.3f}). By task: {listed(rows, 'drop')}; at "
            f"the top grade {listed(top, 'drop')}."
        )
        evidence = AllOf((more, strongly))
        return Judgement(more.effect, "of trials", evidence, note)

    return judge


def _jitter_is_worst(t: Tables, smallest: float) -> Judgement:
    drops = {kind: by_seed(_kind(t.perturbed, kind), "drop") for kind in COMPARED}
    jitter = drops.pop("synaptic_jitter")
    leads = {kind: above(jitter - other, smallest) for kind, other in drops.items()}
    nearest = min(leads, key=lambda kind: leads[kind].effect.value)
    rows = _kind(t.perturbed, "synaptic_jitter")
    strong = rows[rows["grade"] == rows["grade"].max()]
    cells = AllOf(
        tuple(
            above(seed_values(cell, "drop"), smallest, none=smallest)
            for _, cell in strong.groupby(["task", "level"])
        )
    )
    hurt = sum(bool(cell.shown().true <= SIGNIFICANT) for cell in cells.parts)
    note = (
        f"Next worst: {nearest}. Mean drops: synaptic_jitter {jitter.mean():.3f}, "
        + ", ".join(f"{kind} {drop.mean():.3f}" for kind, drop in drops.items())
        + f". At the top grade {hurt} of {len(cells.parts)} cells (task x level) drop "
        f"by more than {smallest:g} (each at 5 %). The mean depends on which grades "
        "were chosen."
    )
    evidence = AllOf((*leads.values(), cells))
    return Judgement(leads[nearest].effect, "of trials", evidence, note)


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
        "drop of accuracy, mean over grades: memory less memoryless tasks; and "
        "memory tasks drop by more than the smallest effect of interest",
        "robustness",
        NOTICED,
        "of trials",
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
    "drop of accuracy, mean over grades: synaptic jitter less each other perturbation "
    "(shown: the least of these); and at its top grade a drop above the smallest "
    "effect of interest in every cell",
    "robustness",
    NOTICED,
    "of trials",
    _jitter_is_worst,
)
DROPS_NOT_MONOTONE = Claim(
    "drops_not_monotone",
    "The harm a perturbation does does not follow the level of heterogeneity a "
    "network was trained at in one direction.",
    "perturbations whose mean drop of accuracy is shown not to follow the level: as "
    "for the metrics of learning and dynamics",
    "robustness",
    0.3,
    "of rank correlation",
    _drops_not_monotone,
)
