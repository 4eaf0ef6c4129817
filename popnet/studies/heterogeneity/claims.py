"""Santhosh & Narayanan 2026: heterogeneous networks, reward-modulated Hebbian learning.

bioRxiv 10.64898/2026.04.03.716300, of which the abstract alone is public: the claims
are its statements in our words, and how each is measured is our decision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.inference import Effect, corrected
from popnet.analysis.level_tests import interaction
from popnet.runs.findings import Finding, Verdict
from popnet.studies.heterogeneity.evidence import Evidence
from popnet.studies.heterogeneity.profiles import (
    by_seed,
    drawing,
    profiles,
    shapes,
)
from popnet.studies.verdicts import (
    Row,
    above,
    below,
    both,
    found,
    listed,
    mean_of,
    mean_over_seeds,
    standardised,
)

if TYPE_CHECKING:
    import pandas as pd

MEMORY = frozenset(
    ["dnms", "dms", "dnms_long", "dnms_variable", "delayed_response", "order"]
)
"""Tasks whose answer needs a stimulus that is over."""
LEARNING = [
    "doublings", "area", "relapses", "variance", "residual", "accuracy",
    "quiet_accuracy", "worst_type",
]  # fmt: skip
DYNAMICS = [
    "pca_dimension", "participation_ratio", "speed", "condition_distance",
    "autocorrelation_s", "weight_change", "spectral_radius",
]  # fmt: skip
KINDS = [
    "time_constants", "initial_state", "impulses", "epoch_durations",
    "synaptic_jitter",
]  # fmt: skip
NOTICED = 0.05
"""A change of accuracy of this size counts as one."""
ALTERED = 0.1
"""Activity is altered when it moves by this part of its own deviations."""
MODERATE = 0.4
"""The grade of a jitter of time constants at which it is judged."""
SAME = ["task", "configuration", "seed"]


def memory_difference(frame: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """Mean over memory tasks less the mean over memoryless ones, of each seed."""
    memory = frame["task"].isin(MEMORY)
    own, other = by_seed(frame[memory], column), by_seed(frame[~memory], column)
    return (own - other).dropna().to_numpy()


def slowed(networks: pd.DataFrame) -> pd.DataFrame:
    """``slowing``: log2 of a heterogeneous network's trials to criterion, less that of
    the network of the same seed, task and configuration without heterogeneity.
    """
    least = networks["level"].min()
    plain = networks[networks["level"] == least].set_index(SAME)["doublings"]
    rest = networks[networks["level"] > least]
    places = list(rest[SAME].itertuples(index=False, name=None))
    return rest.assign(slowing=rest["doublings"] - plain.reindex(places).to_numpy())


def learning(e: Evidence) -> Finding:
    """Learning of memory tasks suffers more from heterogeneity."""
    row = Row(
        "learning",
        "Learning of memory tasks is more sensitive to intrinsic heterogeneity than "
        "learning of memoryless tasks.",
        "doublings of the trials to criterion by heterogeneity (levels above 0 against "
        "0, paired by seed), memory less memoryless tasks",
        "doublings",
        "learning",
    )
    rows = slowed(e.networks)
    difference = memory_difference(rows, "slowing")
    effect = mean_over_seeds(difference)
    note = (
        f"{standardised(difference)} By task: {listed(rows, 'slowing')}. A network "
        "that failed counts with its cap, so its slowing is a lower bound."
    )
    return found(row, effect, above(effect, 0), note)


def task_dependence(e: Evidence) -> Finding:
    """The effect of heterogeneity depends on the task."""
    p_values = {}
    for metric in LEARNING + DYNAMICS:
        values_TSL = profiles(e.networks, metric)
        if values_TSL is not None:
            p_values[metric] = interaction(values_TSL, drawing()).p
    adjusted = corrected(list(p_values.values()))
    seen = [m for m, p in zip(p_values, adjusted, strict=True) if p < NOTICED]
    row = Row(
        "task_dependence",
        "What heterogeneity does to learning and dynamics depends on the task.",
        "metrics whose profile over levels differs between tasks (interaction of task "
        "and level, bootstrap of seeds, Holm over metrics)",
        f"of {len(p_values)} metrics",
        "dynamics",
    )
    seeds = int(e.networks["seed"].nunique())
    effect = Effect(len(seen), np.nan, np.nan, seeds)
    verdict: Verdict = "holds" if seen else "undecided"
    note = f"They are: {', '.join(seen) or 'none'}."
    return found(row, effect, verdict, note, float(min(adjusted, default=np.nan)))


def not_monotone(e: Evidence) -> Finding:
    """No metric follows the level of heterogeneity monotonically."""
    judged = shapes(e.networks, LEARNING + DYNAMICS)
    row = Row(
        "not_monotone",
        "No metric of learning or dynamics follows the level of heterogeneity in one "
        "direction over tasks and configurations.",
        "metrics that break every one direction: trends of both signs among cells, or "
        "a departure from the best monotone profile",
        f"of {judged.metrics} metrics",
        "dynamics",
    )
    effect = Effect(len(judged.broken), np.nan, np.nan, judged.seeds)
    return found(row, effect, judged.verdict, judged.note)


def _kind(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """One perturbation of the networks that had learned, whatever its settings.

    A network at chance has nothing to lose.  Grade 0 changes nothing, and is left out.
    """
    kinds = frame["perturbation"].str.split("(").str[0]
    return frame[(kinds == kind) & (frame["grade"] != 0) & ~frame["failed"]]


def tau(e: Evidence) -> list[Finding]:
    """Other time constants alter dynamics, but mostly not accuracy."""
    judged = f"a jitter of {MODERATE:.0%}"
    changed, perturbed = (
        rows[np.isclose(rows["grade"], MODERATE)]
        for rows in (_kind(e.changed, "time_constants"),
                     _kind(e.perturbed, "time_constants"))
    )  # fmt: skip
    redrawn = _kind(e.perturbed, "new_time_constants")
    moved = mean_of(changed, "trajectory_change")
    drop, far = mean_of(perturbed, "drop"), mean_of(redrawn, "drop")
    return [
        found(
            Row("tau_dynamics",
                "Perturbed time constants alter the dynamics of trained networks.",
                f"r.m.s. change of activity under {judged}, relative to its deviations",
                "of its deviations", "tau_matrix"),
            moved, above(moved, ALTERED),
            f"By task: {listed(changed, 'trajectory_change')}. Altered: above "
            f"{ALTERED:g}.",
        ),
        found(
            Row("tau_accuracy",
                "Perturbed time constants mostly leave the accuracy as it is.",
                f"drop of accuracy under {judged}", "of trials", "robustness"),
            drop, below(drop, NOTICED),
            f"By task: {listed(perturbed, 'drop')}. As it is: below {NOTICED:g}.",
        ),
        found(
            Row("tau_redrawn",
                "So do time constants drawn anew at another level of heterogeneity.",
                "drop of accuracy, mean over training levels x test levels",
                "of trials", "tau_matrix"),
            far, below(far, NOTICED), f"By task: {listed(redrawn, 'drop')}.",
        ),
    ]  # fmt: skip


def memory_breaks(e: Evidence) -> list[Finding]:
    """Initial state, impulses and durations disturb memory tasks strongly."""
    named = {
        "initial_state": "Other initial conditions",
        "impulses": "Added impulses",
        "epoch_durations": "Other epoch durations",
    }
    made = []
    for kind, what in named.items():
        rows = _kind(e.perturbed, kind)
        difference = memory_difference(rows, "drop")
        effect = mean_over_seeds(difference)
        own = mean_of(rows[rows["task"].isin(MEMORY)], "drop")
        row = Row(
            kind,
            f"{what} disturb memory tasks strongly, and more than memoryless tasks.",
            "drop of accuracy, mean over grades: memory less memoryless tasks; and "
            f"memory tasks drop by more than {NOTICED:g}",
            "of trials",
            "robustness",
        )
        top = rows[rows["grade"] == rows["grade"].max()]
        note = (
            f"{standardised(difference)} Memory tasks alone: {own.value:.3f} "
            f"({own.low:.3f} to {own.high:.3f}). By task: {listed(rows, 'drop')}; at "
            f"the top grade {listed(top, 'drop')}."
        )
        made.append(
            found(row, effect, both(above(effect, 0), above(own, NOTICED)), note)
        )
    return made


def jitter_is_worst(e: Evidence) -> Finding:
    """Synaptic jitter does most harm, to every task at every level."""
    drops = {kind: by_seed(_kind(e.perturbed, kind), "drop") for kind in KINDS}
    jitter = drops.pop("synaptic_jitter")
    lead = [mean_over_seeds((jitter - other).dropna()) for other in drops.values()]
    nearest = min(lead, key=lambda effect: effect.value)
    rows = _kind(e.perturbed, "synaptic_jitter")
    strong = rows[rows["grade"] == rows["grade"].max()]
    hurt: list[Verdict] = [
        above(mean_of(cell, "drop"), NOTICED)
        for _, cell in strong.groupby(["task", "level"])
    ]
    row = Row(
        "jitter_is_worst",
        "Synaptic jitter does most harm, to all tasks at all levels of heterogeneity.",
        "drop of accuracy, mean over grades: synaptic jitter less the next worst "
        f"perturbation; and at its top grade a drop above {NOTICED:g} in every cell",
        "of trials",
        "robustness",
    )
    means = {"synaptic_jitter": jitter, **drops}
    note = (
        "Mean drops: "
        + ", ".join(f"{kind} {drop.mean():.3f}" for kind, drop in means.items())
        + f". At the top grade {hurt.count('holds')} of {len(hurt)} cells (task x "
        "level) drop. The mean depends on which grades were chosen."
    )
    return found(row, nearest, both(above(nearest, 0), *hurt), note)


def drops_not_monotone(e: Evidence) -> Finding:
    """Robustness does not follow the level at which networks were trained."""
    wide = e.networks[["key", "task", "level", "configuration", "seed"]]
    for kind in KINDS:
        mean = _kind(e.perturbed, kind).groupby("key")["drop"].mean()
        wide = wide.assign(**{kind: wide["key"].map(mean)})
    judged = shapes(wide, KINDS)
    row = Row(
        "drops_not_monotone",
        "The harm a perturbation does does not follow the level of heterogeneity a "
        "network was trained at in one direction.",
        "perturbations whose mean drop of accuracy breaks every one direction",
        f"of {judged.metrics} perturbations",
        "robustness",
    )
    effect = Effect(len(judged.broken), np.nan, np.nan, judged.seeds)
    return found(row, effect, judged.verdict, judged.note)
