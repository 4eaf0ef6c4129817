"""Claims on what networks share: transfer to other tasks, degeneracy of solutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.inference import Effect
from popnet.studies.effects import (
    by_seed,
    drawing,
    listed,
    mean_of,
    mean_over_seeds,
)
from popnet.studies.heterogeneity import measured
from popnet.studies.heterogeneity.tables import Tables
from popnet.studies.heterogeneity.tasks import RELATED
from popnet.studies.study import Claim, Judgement
from popnet.studies.verdicts import above, below, both

if TYPE_CHECKING:
    import pandas as pd

TRANSFERS = 0.6
"""Accuracy above which a task is transferred to; chance is 0.5."""
ALIKE = 0.05
"""Networks perform alike when their accuracies differ by less."""
UNLIKE = 0.5
"""Solutions differ when they are at least this part of the distance of untrained
networks apart."""


def _transfer(t: Tables) -> Judgement:
    frozen = t.tested[~t.tested["failed"] & ~t.tested["own"]]
    pairs = list(zip(frozen["task"], frozen["tested"], strict=True))
    sign = np.array([RELATED.get(pair, 0) for pair in pairs])
    accuracy = frozen["accuracy"].where(sign >= 0, frozen["flipped_accuracy"])
    rows = frozen.assign(accuracy=accuracy, pair=[f"{a} to {b}" for a, b in pairs])
    related, distinct = rows[sign != 0], rows[sign == 0]
    near, far = mean_of(related, "accuracy"), mean_of(distinct, "accuracy")
    lead = by_seed(related, "accuracy") - by_seed(distinct, "accuracy")
    effect = mean_over_seeds(lead.dropna().to_numpy())
    note = (
        f"Related: {near.value:.2f} ({listed(related, 'accuracy', 'pair')}); distinct: "
        f"{far.value:.2f}. Related tasks that ask for the opposite answers are scored "
        "with the output's sign flipped."
    )
    parts = above(effect, 0), above(near, TRANSFERS), below(far, TRANSFERS)
    return Judgement(effect, "of trials", both(*parts), note)


def _alike(t: Tables) -> Judgement:
    gaps = t.met.groupby(["task", "seed"])["accuracy"].mean().unstack("task")
    apart = np.abs(gaps - gaps.mean()).mean(axis=1)
    effect = mean_over_seeds(apart.to_numpy())
    note = "Networks that met the criterion."
    return Judgement(effect, "of trials", below(effect, ALIKE), note)


def _degenerate(metric: str) -> Callable[[Tables], Judgement]:
    """Judge whether networks lie far apart by this metric."""

    def judge(t: Tables) -> Judgement:
        effect, note = _ratio(t.pairs[t.pairs["metric"] == metric])
        return Judgement(effect, "of untrained", above(effect, UNLIKE), note)

    return judge


def _degenerate_weights(t: Tables) -> Judgement:
    outcome = _degenerate("weights")(t)
    moved = t.networks[measured.of_learning()].mean()
    note = (
        f"{outcome.note} All start from draws of their own; learning moves the weights "
        f"by {moved:.0%} of their size."
    )
    return outcome._replace(note=note)


def _ratio(pairs: pd.DataFrame) -> tuple[Effect, str]:
    """Mean distance within conditions over that of untrained networks.

    Pairs share networks: the interval is over seeds drawn with replacement, a pair
    counted as often as both of its seeds (pairs of one seed, whose networks start from
    the same draws, are left out).
    """
    pairs = pairs[pairs["seed_a"] != pairs["seed_b"]]
    trained = pairs[~pairs["untrained"]]
    parts = [
        _by_seeds(trained[trained["same"]]),
        _by_seeds(pairs[pairs["untrained"]]),
        _by_seeds(trained[~trained["same"]]),
    ]
    if min(len(values) for _, values in parts) == 0:
        return Effect(np.nan, np.nan, np.nan, 0), "Not compared."
    seeds = np.unique(np.concatenate([both.ravel() for both, _ in parts]))
    place = {seed: i for i, seed in enumerate(seeds)}
    counts = np.ones((1, len(seeds)), int)
    drawn = drawing().multinomial(len(seeds), np.full(len(seeds), 1 / len(seeds)), 2000)
    within, none, between = (
        _weighted(both, values, place, np.concatenate([counts, drawn]))
        for both, values in parts
    )
    ratio = within / none
    low, high = np.nanquantile(ratio[1:], [0.025, 0.975])
    note = (
        f"Within a condition {within[0]:.3f}, between conditions {between[0]:.3f}, "
        f"untrained {none[0]:.3f}. Interval over {len(seeds)} seeds."
    )
    return Effect(float(ratio[0]), float(low), float(high), len(seeds)), note


def _by_seeds(pairs: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Mean value of each pair of seeds."""
    mean = pairs.groupby(["seed_a", "seed_b"])["value"].mean().dropna()
    both = np.array(mean.index.to_list(), dtype=np.int64).reshape(-1, 2)
    return both, mean.to_numpy(float)


def _weighted(
    both: NDArray[np.int64],
    values: NDArray[np.float64],
    place: dict[int, int],
    counts_DS: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Means over pairs, each counted by how often its seeds were drawn."""
    at = np.vectorize(place.__getitem__)(both)
    weight = counts_DS[:, at[:, 0]] * counts_DS[:, at[:, 1]]
    total = weight.sum(axis=1)
    return np.where(total > 0, weight @ values / np.maximum(total, 1), np.nan)


TRANSFER = Claim(
    "transfer",
    "Networks generalise to structurally related untrained tasks, not to distinct "
    "ones.",
    "accuracy on related less accuracy on distinct untrained tasks; and related "
    f"above {TRANSFERS:g}, distinct below",
    "transfer",
    _transfer,
)
PERFORM_ALIKE = Claim(
    "alike",
    "Networks that learned a task perform alike.",
    "mean distance of a seed's accuracy from the mean of all seeds",
    "degeneracy",
    _alike,
)
DEGENERATE = [
    Claim(
        f"degenerate_{metric}",
        f"Networks that perform alike differ in their {what}.",
        f"distance between the {what} of trained networks of one condition, "
        "relative to that of untrained ones",
        "degeneracy",
        judge,
    )
    for metric, what, judge in (
        ("trajectories", "activity", _degenerate("trajectories")),
        ("weights", "weights", _degenerate_weights),
    )
]
