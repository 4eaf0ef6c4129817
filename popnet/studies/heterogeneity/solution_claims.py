"""Claims on what networks share: transfer to other tasks, degeneracy of solutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.intervals import jackknifed
from popnet.studies.effects import by_seed, listed, mean_of, seed_values
from popnet.studies.evidence import AllOf, above, within
from popnet.studies.heterogeneity import measured
from popnet.studies.heterogeneity.tables import Tables
from popnet.studies.heterogeneity.tasks import RELATED
from popnet.studies.study import Claim, Judgement

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
CHANCE = 0.5
"""The accuracy of guessing on every task of the study."""


def _transfer(t: Tables, smallest: float) -> Judgement:
    frozen = t.tested[~t.tested["failed"] & ~t.tested["own"]]
    pairs = list(zip(frozen["task"], frozen["tested"], strict=True))
    sign = np.array([RELATED.get(pair, 0) for pair in pairs])
    accuracy = frozen["accuracy"].where(sign >= 0, frozen["flipped_accuracy"])
    rows = frozen.assign(accuracy=accuracy, pair=[f"{a} to {b}" for a, b in pairs])
    related, distinct = rows[sign != 0], rows[sign == 0]
    near, far = mean_of(related, "accuracy"), mean_of(distinct, "accuracy")
    lead = above(by_seed(related, "accuracy") - by_seed(distinct, "accuracy"), smallest)
    note = (
        f"Related: {near.value:.2f} ({listed(related, 'accuracy', 'pair')}); distinct: "
        f"{far.value:.2f}. Related tasks that ask for the opposite answers are scored "
        "with the output's sign flipped."
    )
    transfers = seed_values(related, "accuracy") - CHANCE
    does_not = seed_values(distinct, "accuracy") - CHANCE
    evidence = AllOf(
        (lead, above(transfers, smallest, none=smallest), within(does_not, smallest))
    )
    return Judgement(lead.effect, "of trials", evidence, note)


def _alike(t: Tables, smallest: float) -> Judgement:
    accuracy = t.networks.pivot_table(
        index="seed", columns=["task", "configuration", "level"], values="accuracy"
    )
    whole, without_S = _apart(accuracy.to_numpy(float))
    part = within(jackknifed(whole, without_S), smallest)
    return Judgement(
        part.effect._replace(value=float(whole)),
        "of trials",
        part,
        f"All {len(t.networks)} networks, the {int(t.networks['failed'].sum())} that "
        "failed among them: learning alike is not what they were chosen for.",
    )


def _apart(values_SC: Array) -> tuple[Array, Array]:
    """Mean distance of pairs of seeds in each condition, of all and without each seed.

    Mean over conditions; pairs of which one value is missing are left out.
    """
    apart_SS = np.abs(values_SC[:, None] - values_SC[None, :])
    known = np.isfinite(apart_SS)
    apart, counted = np.where(known, apart_SS, 0.0), known.astype(float)
    for matrix in (apart, counted):
        matrix[np.arange(len(matrix)), np.arange(len(matrix))] = 0.0
    total = [m.sum(axis=(0, 1)) for m in (apart, counted)]
    left = [m.sum(axis=(0, 1)) - 2 * m.sum(axis=1) for m in (apart, counted)]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nanmean(total[0] / total[1]), np.nanmean(left[0] / left[1], axis=-1)


def _degenerate(metric: str) -> Callable[[Tables, float], Judgement]:
    """Judge whether networks lie far apart by this metric."""

    def judge(t: Tables, smallest: float) -> Judgement:
        values_S, note = distance_ratio(t.pairs[t.pairs["metric"] == metric])
        part = above(values_S, smallest, none=smallest)
        return Judgement(part.effect, "of untrained", part, note)

    return judge


def _degenerate_weights(t: Tables, smallest: float) -> Judgement:
    outcome = _degenerate("weights")(t, smallest)
    moved = t.networks[measured.of_learning()].mean()
    note = (
        f"{outcome.note} All start from draws of their own; learning moves the weights "
        f"by {moved:.0%} of their size."
    )
    return outcome._replace(note=note)


def distance_ratio(pairs: pd.DataFrame) -> tuple[Array, str]:
    """Mean distance within conditions over that of untrained networks, by seed.

    Pairs share networks, so that a seed is the unit: the numbers are the ratio's
    ``jackknifed`` values, each found without the pairs of one seed.  Pairs of one seed,
    whose networks start from the same draws, are left out.
    """
    pairs = pairs[pairs["seed_a"] != pairs["seed_b"]]
    trained = pairs[~pairs["untrained"]]
    parts = [
        trained[trained["same"]],
        pairs[pairs["untrained"]],
        trained[~trained["same"]],
    ]
    if min(len(part) for part in parts) == 0:
        return np.empty(0), "Not compared."
    seeds = np.unique(pairs[["seed_a", "seed_b"]].to_numpy())
    means = [_left_out(part, seeds) for part in parts]
    within_, none, between = (whole for whole, _ in means)
    values_S = jackknifed(within_ / none, means[0][1] / means[1][1])
    note = (
        f"Within a condition {within_:.3f}, between conditions {between:.3f}, "
        f"untrained {none:.3f}. Interval over {len(seeds)} seeds."
    )
    return values_S, note


def _left_out(pairs: pd.DataFrame, seeds: NDArray[np.int64]) -> tuple[float, Array]:
    """Mean over pairs of seeds, of all and without those of each seed."""
    mean = pairs.groupby(["seed_a", "seed_b"])["value"].mean().dropna().reset_index()
    a, b, value = (mean[name].to_numpy() for name in ("seed_a", "seed_b", "value"))
    with_S = (seeds[:, None] == a) | (seeds[:, None] == b)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(value.mean()), (~with_S @ value) / (~with_S).sum(axis=1)


TRANSFER = Claim(
    "transfer",
    "Networks generalise to structurally related untrained tasks, not to distinct "
    "ones.",
    "accuracy on related less accuracy on distinct untrained tasks; and related "
    "above chance by more than the smallest effect of interest, distinct within it",
    "transfer",
    0.1,
    "of trials",
    _transfer,
)
PERFORM_ALIKE = Claim(
    "alike",
    "Networks trained on a task perform alike.",
    "distance between the accuracies of two seeds of a condition, mean over pairs",
    "degeneracy",
    0.05,
    "of trials",
    _alike,
)
DEGENERATE = [
    Claim(
        f"degenerate_{metric}",
        f"Networks that perform alike differ in their {what}.",
        f"distance between the {what} of trained networks of one condition, "
        "relative to that of untrained ones",
        "degeneracy",
        0.5,
        "of the distance of untrained networks",
        judge,
    )
    for metric, what, judge in (
        ("trajectories", "activity", _degenerate("trajectories")),
        ("weights", "weights", _degenerate_weights),
    )
]
