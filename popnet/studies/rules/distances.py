"""Distances between networks by metric, and how far labels lie apart in them.

    S seeds; C conditions, each one label; D = 1 + S: of all seeds, without each

Only pairs of two seeds count, within a label and between labels alike: two networks of
one seed start from the same weights, which would bring labels nearer to each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from popnet.studies.rules.estimates import (
    SeedEstimate,
    average,
    nothing,
    of_pairs,
    of_seeds,
)

Array = NDArray[np.float64]
FEWEST_NETWORKS = 4
"""A condition with fewer networks that met the criterion has no say."""


class Distances:
    """Distances of one metric by pairs of conditions."""

    def __init__(self, blocks: dict[tuple[str, str], Array], seeds: int) -> None:
        self.blocks = blocks
        """[S, S]: seed of the first condition, seed of the second; NaN: no number.
        One order of each two conditions is there."""
        self.seeds = seeds
        self._means: dict[tuple[str, str, bool], SeedEstimate] = {}

    @cached_property
    def _none(self) -> Array:
        return np.full((self.seeds, self.seeds), np.nan)

    def block(self, one: str, other: str) -> Array:
        """The distances of the networks of two conditions, [S, S]."""
        if (one, other) in self.blocks:
            return self.blocks[one, other]
        return self.blocks.get((other, one), self._none.T).T

    def mean(self, one: str, other: str, *, squared: bool = False) -> SeedEstimate:
        """The mean distance, or squared distance, over pairs of two seeds."""
        place = (one, other, squared)
        if place not in self._means:
            block = self.block(one, other)
            self._means[place] = of_pairs(block**2 if squared else block)
        return self._means[place]

    def known(self, conditions: Sequence[str]) -> list[str]:
        """The conditions of which enough networks have distances to each other."""
        return [
            one
            for one in conditions
            if int(self.mean(one, one).takes_S.sum()) >= FEWEST_NETWORKS
        ]

    def within(self, conditions: Sequence[str]) -> SeedEstimate:
        """The mean over labels of the mean distance within each."""
        return average([self.mean(one, one) for one in conditions])

    def between(self, conditions: Sequence[str]) -> SeedEstimate:
        """The mean over pairs of labels of the mean distance between both."""
        return average([self.mean(a, b) for a, b in combinations(conditions, 2)])

    def separation(self, conditions: Sequence[str]) -> SeedEstimate:
        """How far labels lie apart, in [-1, 1], no unit.

            s = (B - W) / (B + W) = tanh(1/2 ln(B / W))

        B, W: mean distance between and within labels, all labels alike.  0: the labels
        say nothing; 1: networks of a label are equal; also where all are equal, 0.
        Topologies may all be equal within a label, hence not the logarithm itself.
        Conditions with too few networks are left out; two have to be left.
        """
        conditions = self.known(conditions)
        if len(conditions) < 2:
            return nothing(self.seeds)
        w, b = self.within(conditions), self.between(conditions)
        total_D = b.value_D + w.value_D
        with np.errstate(invalid="ignore", divide="ignore"):
            value_D = np.where(total_D == 0, 0.0, (b.value_D - w.value_D) / total_D)
        return SeedEstimate(value_D, w.takes_S | b.takes_S)

    def matrix(self, conditions: Sequence[str]) -> Labelled:
        """All networks of these conditions that have a distance to each other."""
        whole = np.block([[self.block(a, b) for b in conditions] for a in conditions])
        np.fill_diagonal(whole, 0.0)
        seed, label = (
            np.tile(np.arange(self.seeds), len(conditions)),
            np.repeat(np.arange(len(conditions)), self.seeds),
        )
        other = seed[:, None] != seed[None]
        known = (np.isfinite(whole) & other).any(axis=1)
        own = np.ix_(known, known)
        return Labelled(whole[own], label[known], seed[known], len(conditions))

    def decoded(self, conditions: Sequence[str]) -> SeedEstimate:
        """Share of networks whose nearest neighbour has their label, less chance.

        The nearest network of another seed; of several equally near ones the share
        that has the label.  Chance: the share of the label in all networks of other
        seeds.  A seed's number is the mean over its networks, all labels alike: seeds
        are the folds of a cross-validation, and its numbers fill their range.  Cover &
        Hart, IEEE Trans Inf Theory 1967;13:21.
        """
        conditions = self.known(conditions)
        if len(conditions) < 2:
            return nothing(self.seeds)
        labelled = self.matrix(conditions)
        hit_P, chance_P = labelled.nearest()
        off_P = hit_P - chance_P
        value_S: list[float] = [
            float(np.mean(own)) if len(own := off_P[labelled.seed_P == s]) else np.nan
            for s in range(self.seeds)
        ]
        limits = -float(chance_P.max()), 1 - float(chance_P.min())
        return of_seeds(value_S)._replace(limits=limits)


class Labelled:
    """Distances of P networks with the label and seed of each."""

    def __init__(
        self,
        distance_PP: Array,
        label_P: NDArray[np.int64],
        seed_P: NDArray[np.int64],
        labels: int,
    ) -> None:
        self.distance_PP = distance_PP
        self.label_P, self.seed_P, self.labels = label_P, seed_P, labels
        self.counts_PP = np.isfinite(distance_PP) & (seed_P[:, None] != seed_P[None])

    def nearest(self) -> tuple[Array, Array]:
        """The share of each network's nearest that has its label, and by chance."""
        away = np.where(self.counts_PP, self.distance_PP, np.inf)
        nearest = (away == away.min(axis=1, keepdims=True)) & self.counts_PP
        same = self.label_P[:, None] == self.label_P[None]
        hit_P = (nearest & same).sum(axis=1) / nearest.sum(axis=1)
        chance_P = (self.counts_PP & same).sum(axis=1) / self.counts_PP.sum(axis=1)
        return hit_P, chance_P

    def separation_of(self, label_P: NDArray[np.int64]) -> float:
        """``Distances.separation`` of networks with these labels."""
        member_PG = (label_P[:, None] == np.arange(self.labels)).astype(float)
        filled = np.where(self.counts_PP, self.distance_PP, 0.0)
        sums = member_PG.T @ filled @ member_PG
        counts = member_PG.T @ self.counts_PP.astype(float) @ member_PG
        mean_GG = sums / np.where(counts > 0, counts, np.nan)
        upper = np.triu_indices(self.labels, 1)
        w, b = np.nanmean(np.diag(mean_GG)), np.nanmean(mean_GG[upper])
        return float((b - w) / (b + w)) if b + w else 0.0

    def exchange_test(self, draws: int = 999, seed: int = 0) -> float:
        """The chance of a separation as large where a seed's labels are exchanged.

            p = (1 + #{shuffles with s >= observed}) / (1 + draws)

        Labels are shuffled among the networks of each seed, which are exchangeable
        where the label says nothing.  Phipson & Smyth, Stat Appl Genet Mol Biol
        2010;9:39.
        """
        random = np.random.default_rng(seed)
        observed, as_far = self.separation_of(self.label_P), 0
        order = np.argsort(self.seed_P, kind="stable")
        for _ in range(draws):
            shuffled = np.empty_like(self.label_P)
            mixed = np.lexsort((random.random(len(order)), self.seed_P))
            shuffled[order] = self.label_P[mixed]
            as_far += self.separation_of(shuffled) >= observed - 1e-12
        return (1 + as_far) / (1 + draws)
