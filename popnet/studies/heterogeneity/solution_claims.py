"""Claims on what networks share: transfer to other tasks, degeneracy of solutions."""

from __future__ import annotations

import json
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
LEARNED = 0.2
"""Networks that are no better than guessing by this have no solution to compare."""
RELATIVE = frozenset(["weights"])
"""Metrics that are 1 for unrelated networks."""


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


def _degenerate(metric: str, settings: str) -> Callable[[Tables, float], Judgement]:
    """Judge whether networks that learned lie far apart by this metric."""

    def judge(t: Tables, smallest: float) -> Judgement:
        pairs = t.pairs[(t.pairs["metric"] == metric) & ~t.pairs["failed"]]
        asked = [_of(metric, text) == settings for text in pairs["settings"]]
        own = pairs[np.array(asked, bool)]
        values_S, note = place_between_nulls(own, metric in RELATIVE)
        apart = above(values_S, smallest, none=smallest)
        gained = above(_gain(t), LEARNED, none=LEARNED)
        moved = t.networks[measured.of_learning()].mean()
        note += f" Learning moves the weights by {moved:.0%} of their size."
        evidence = AllOf((apart, gained))
        return Judgement(apart.effect, "of the way", evidence, note)

    return judge


def _of(metric: str, settings: str) -> str:
    """Return the setting ``of`` of a metric; its name where it has no such setting."""
    return str(json.loads(settings).get("of", metric))


def _gain(t: Tables) -> Array:
    """Each seed's accuracy above guessing: of networks that learned nothing, none."""
    return seed_values(t.networks, "accuracy") - CHANCE


def place_between_nulls(pairs: pd.DataFrame, relative: bool) -> tuple[Array, str]:
    """Place the distances within conditions between two nulls, one number per seed.

        (within - retrained) / (unrelated - retrained)

    retrained: one network, trained again from the same draw under other trials, noise
    and impulses: 0 is the distance that training noise makes.  unrelated: the farther
    of networks as they were drawn and networks whose units are shuffled (many
    independent time courses can be turned to lie near each other), or 1 for a metric
    that is ``relative`` to unrelated weights.  Pairs share networks, so that a seed is
    the unit: the numbers are ``jackknifed``, each found without the pairs of one seed.
    """
    null = pairs["untrained"] | pairs["shuffled"]
    different = pairs["same"] & (pairs["seed_a"] != pairs["seed_b"])
    within = pairs[~null & different]
    retrained = pairs[~null & pairs["retrained"]]
    shuffled = pairs[pairs["shuffled"] & different]
    untrained = pairs[pairs["untrained"] & different]
    nothing = not len(untrained) and not len(shuffled) and not relative
    if not len(within) or not len(retrained) or nothing:
        return np.empty(0), "Not compared."
    seeds = np.unique(pairs[["seed_a", "seed_b"]].to_numpy())
    here, here_S = _left_out(within, seeds)
    floor, floor_S = _left_out(retrained, seeds)
    found = [_left_out(null, seeds) for null in (untrained, shuffled) if len(null)]
    top, top_S = (
        max(found, key=lambda one: one[0])
        if found and not relative
        else (1.0, np.ones(len(seeds)))
    )
    values_S = jackknifed(
        (here - floor) / (top - floor), (here_S - floor_S) / (top_S - floor_S)
    )
    said = _means({"untrained": untrained, "shuffled": shuffled}, seeds)
    note = (
        f"Within a condition {here:.3f}, trained again {floor:.3f}{said}; unrelated: "
        f"{top:.3f}. Interval over {len(seeds)} seeds."
    )
    return values_S, note


def _means(parts: dict[str, pd.DataFrame], seeds: NDArray[np.int64]) -> str:
    """The mean of each part that there is: ", shuffled 0.240"."""
    return "".join(
        f", {name} {_left_out(pairs, seeds)[0]:.3f}"
        for name, pairs in parts.items()
        if len(pairs)
    )


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
        f"degenerate_{name}",
        f"Networks that perform alike differ in their {what}.",
        f"distance between the {what} of trained networks of one condition: 0 where a "
        "network that is trained again lies, 1 where unrelated ones do; and accuracy "
        f"above guessing by {LEARNED:g}",
        "degeneracy",
        0.5,
        "of the way from trained again to unrelated",
        _degenerate(metric, settings),
    )
    for name, metric, settings, what in (
        ("trajectories", "trajectories", "trajectories", "activity"),
        ("weights", "weights", "weights", "weights, aligned"),
        ("changes", "weights", "change", "weight changes, aligned"),
    )
]
