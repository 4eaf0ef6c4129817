"""Claims on what networks share: transfer to other tasks, degeneracy of solutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.inference import Effect
from popnet.runs.findings import Finding
from popnet.studies.heterogeneity.evidence import Evidence
from popnet.studies.heterogeneity.profiles import by_seed, drawing
from popnet.studies.verdicts import (
    Row,
    above,
    below,
    both,
    found,
    listed,
    mean_of,
    mean_over_seeds,
)

if TYPE_CHECKING:
    import pandas as pd

RELATED = {
    ("dnms", "dnms_long"): 1, ("dnms_long", "dnms"): 1,
    ("dnms", "dnms_variable"): 1, ("dnms_variable", "dnms"): 1,
    ("dnms_long", "dnms_variable"): 1, ("dnms_variable", "dnms_long"): 1,
    ("dnms", "dms"): -1, ("dms", "dnms"): -1,
    ("dms", "dnms_long"): -1, ("dnms_long", "dms"): -1,
    ("dms", "dnms_variable"): -1, ("dnms_variable", "dms"): -1,
    ("go_nogo", "delayed_response"): -1, ("delayed_response", "go_nogo"): -1,
    ("perceptual_decision", "selective_integration"): 1,
    ("selective_integration", "perceptual_decision"): 1,
}  # fmt: skip
"""Pairs (trained, tested) that ask for one computation; -1: answered the other way."""
TRANSFERS = 0.6
"""Accuracy above which a task is transferred to; chance is 0.5."""
ALIKE = 0.05
"""Networks perform alike when their accuracies differ by less."""
UNLIKE = 0.5
"""Solutions differ when they are at least this part of the distance of untrained
networks apart."""


def transfer(e: Evidence) -> Finding:
    """Networks generalise to related tasks, not to distinct ones."""
    frozen = e.transfer[~e.transfer["failed"]]
    pairs = list(zip(frozen["task"], frozen["tested"], strict=True))
    sign = np.array([RELATED.get(pair, 0) for pair in pairs])
    accuracy = frozen["accuracy"].where(sign >= 0, frozen["flipped_accuracy"])
    rows = frozen.assign(accuracy=accuracy, pair=[f"{a} to {b}" for a, b in pairs])
    related, distinct = rows[sign != 0], rows[sign == 0]
    near, far = mean_of(related, "accuracy"), mean_of(distinct, "accuracy")
    lead = by_seed(related, "accuracy") - by_seed(distinct, "accuracy")
    effect = mean_over_seeds(lead.dropna().to_numpy())
    row = Row(
        "transfer",
        "Networks generalise to structurally related untrained tasks, not to distinct "
        "ones.",
        "accuracy on related less accuracy on distinct untrained tasks; and related "
        f"above {TRANSFERS:g}, distinct below",
        "of trials",
        "transfer",
    )
    note = (
        f"Related: {near.value:.2f} ({listed(related, 'accuracy', 'pair')}); distinct: "
        f"{far.value:.2f}. Related tasks that ask for the opposite answers are scored "
        "with the output's sign flipped."
    )
    parts = above(effect, 0), above(near, TRANSFERS), below(far, TRANSFERS)
    return found(row, effect, both(*parts), note)


def degeneracy(e: Evidence) -> list[Finding]:
    """Networks that do equally well differ in activity and weights."""
    learned = e.networks[~e.networks["failed"]]
    gaps = learned.groupby(["task", "seed"])["accuracy"].mean().unstack("task")
    apart = np.abs(gaps - gaps.mean()).mean(axis=1)
    alike = mean_over_seeds(apart.to_numpy())
    first = found(
        Row("alike", "Networks that learned a task perform alike.",
            "mean distance of a seed's accuracy from the mean of all seeds",
            "of trials", "degeneracy"),
        alike, below(alike, ALIKE), "Networks that met the criterion.",
    )  # fmt: skip
    made = [first]
    for metric, what in (("trajectories", "activity"), ("weights", "weights")):
        effect, note = _ratio(e.pairs[e.pairs["metric"] == metric])
        if metric == "weights":
            moved = e.networks["weight_change"].mean()
            note += (
                f" All start from draws of their own; learning moves the weights by "
                f"{moved:.0%} of their size."
            )
        row = Row(
            f"degenerate_{metric}",
            f"Networks that perform alike differ in their {what}.",
            f"distance between the {what} of trained networks of one condition, "
            "relative to that of untrained ones",
            "of untrained",
            "degeneracy",
        )
        made.append(found(row, effect, above(effect, UNLIKE), note))
    return made


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
