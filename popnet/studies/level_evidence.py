"""Evidence on graded levels: one direction in every cell, dependence on the task.

M metrics, C cells (tasks x configurations), T tasks, S seeds, L levels, D experiments
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.interactions import interaction_sizes, interaction_test
from popnet.analysis.intervals import Limits, excluded_at, jackknifed
from popnet.studies.evidence import (
    COUNTS,
    FEWEST,
    TRUE,
    AllOf,
    AnyOf,
    Draws,
    Mean,
    Shown,
    resampled_residuals,
)

Array = NDArray[np.float64]
RANKS: Limits = (-1.0, 1.0)
TURN = 0.05
"""Where a turn is shown at this level, one direction is not."""


class Turns(NamedTuple):
    """Rank correlations on both sides of every inner level, which is in both sides."""

    before_KS: Array
    after_KS: Array

    def shown(self) -> Array:
        """The p-value at which a rise is shown up to some level, and a fall from it on.

        Or a fall, and then a rise; times the number of both kinds of turn.
        """
        if self.before_KS.shape[-1] < FEWEST or not self.before_KS.size:
            return np.array(1.0)
        before = excluded_at(self.before_KS, 0.0, RANKS)
        after = excluded_at(self.after_KS, 0.0, RANKS)
        signs = self.before_KS.mean(axis=-1) * self.after_KS.mean(axis=-1)
        both_K = np.where(signs < 0, np.maximum(before, after), 1.0)
        return np.minimum(1.0, 2 * len(both_K) * both_K.min())


class OneDirection(NamedTuple):
    """It is true where values follow the level in one direction in every cell.

    Each seed gives the rank correlation of its values with the level.  Values follow
    the level upwards where the mean over seeds is above 0, and ``smallest`` or more, in
    every cell; they do not where it is shown to be smaller in one, or on average over
    cells: then it is smaller in some cell.  Downwards likewise.  A turn inside the
    levels, in one cell or in the average, shows that they follow it neither way.
    """

    cells: tuple[Array, ...]
    """the rank correlations of the seeds of each cell"""
    together_S: Array
    """each seed's mean over cells"""
    smallest: float
    turns: tuple[Turns, ...] = ()
    """of each cell"""
    turns_together: Turns | None = None

    def shown(self) -> Shown:
        """Judge both directions."""
        rises, falls = self._follows(1.0), self._follows(-1.0)
        true = np.minimum(rises.true, falls.true)
        false = np.maximum(rises.false, falls.false)
        if self.turns_together is None:
            return Shown(true, false)
        turned = np.minimum(1.0, 2 * self._turned())
        false = np.minimum(1.0, 2 * np.minimum(false, turned))
        return Shown(np.where(turned <= TURN, 1.0, true), false)

    def _follows(self, sign: float) -> Shown:
        """Judge that every cell rises (1) or falls (-1)."""

        def above(values_S: Array) -> Mean:
            return Mean(sign * values_S, "above", self.smallest, limits=RANKS)

        cells = AllOf(tuple(above(cell) for cell in self.cells))
        return AllOf((above(self.together_S), cells)).shown()

    def _turned(self) -> Array:
        """The p-value of a turn in the average or in one of the cells."""
        assert self.turns_together is not None
        in_cells = np.min([turns.shown() for turns in self.turns])
        return np.minimum(self.turns_together.shown(), len(self.turns) * in_cells)


class SharedDirection(NamedTuple):
    """It is true where metrics, as a whole, follow the level in one direction.

        A = mean over m and pairs of cells c != c' of  R_mc R'_mc'

    m: a metric at an inner level, which has levels on both sides.  R_mc is the rank
    correlation of the metric with the level up to there, in cell c (task x
    configuration), a mean over seeds; R' that from there on; one cell is paired with
    itself.  A is 1 where every metric rises, or falls, through all levels in all its
    cells, -1 where all turn, and 0 where they do not follow or where each cell has a
    direction of its own.  True where the interval of A lies above ``smallest`` squared.
    A is estimated without bias, by products of different seeds alone, and its interval
    is that of its ``jackknifed`` values.

    False where A lies below the square of ``smallest`` by t errors of the size that
    they have at that square: a product whose factors are low by chance seems to be
    known well.  With v the variance of A by its jackknife,

        v = 4 A e + 2 e^2,  which gives e,   v0 = 4 smallest^2 e + 2 e^2
    """

    before_MCS: Array
    """up to the inner level; NaN where a metric is constant in a cell, or unknown"""
    after_MCS: Array
    """from the inner level on"""
    smallest: float

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        return self.before_MCS.shape[-1]

    @property
    def part(self) -> Mean:
        """What the verdict is derived from: A by seeds."""
        sizes_S = shared_direction(self.before_MCS, self.after_MCS)
        square = self.smallest**2
        return Mean(sizes_S, "above", square, none=square)

    def shown(self) -> Shown:
        """Judge A; nothing is shown where it is not known."""
        part = self.part
        known = np.asarray(np.isfinite(part.values_S).all(axis=-1))
        found = part._replace(values_S=np.where(known[..., None], part.values_S, 0.0))
        true, false = found.shown()[0], self._small(found.values_S)
        return Shown(np.where(known, true, 1.0), np.where(known, false, 1.0))

    def _small(self, values_S: Array) -> Array:
        """The p-value at which A is shown to be below the square of ``smallest``."""
        from scipy.special import stdtr

        n, bound = self.seeds, self.smallest**2
        if n < FEWEST:
            return np.ones(values_S.shape[:-1])
        a = values_S.mean(axis=-1)
        v = values_S.var(axis=-1, ddof=1) / n
        positive = np.maximum(a, 0.0)
        e = np.sqrt(positive**2 + v / 2) - positive
        v0 = 4 * bound * e + 2 * e**2
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (bound - a) / np.sqrt(v0)
        p: Any = 2 * stdtr(n - 1, -np.abs(t))
        return np.where((a < bound) & (v0 > 0), p, 1.0)

    def planted(self, truth_D: NDArray[np.int64], draws: Draws) -> SharedDirection:
        """Plant correlations of one sign in all cells of a metric, or none.

        Twice the smallest of interest is true, none false, the smallest null.
        """
        rows = len(self.before_MCS)
        sign_DM = draws.random.choice([-1.0, 1.0], size=(len(truth_D), rows))
        size_D = self.smallest * np.choose(truth_D + 1, [0.0, 1.0, 2.0])
        mean_DM = (sign_DM * size_D[:, None])[..., None, None]

        def made(values_MCS: Array) -> Array:
            known = np.isfinite(values_MCS)
            count_MC = np.maximum(known.sum(axis=-1, keepdims=True), 1)
            sum_MC = np.where(known, values_MCS, 0.0).sum(axis=-1, keepdims=True)
            own = values_MCS - sum_MC / count_MC
            own = own * np.sqrt(self.seeds / max(self.seeds - 1, 1))
            return np.moveaxis(own[..., draws.resampled(self.seeds)], -2, 0) + mean_DM

        return SharedDirection(
            made(self.before_MCS), made(self.after_MCS), self.smallest
        )


def shared_direction(before_MCS: Array, after_MCS: Array) -> Array:
    """The ``jackknifed`` values of A of ``SharedDirection`` over seeds, [..., S].

    A row without two seeds in different cells (two seeds, where there is one cell) is
    left out.
    """
    known = np.isfinite(before_MCS) & np.isfinite(after_MCS)
    before, after = (np.where(known, x, 0.0) for x in (before_MCS, after_MCS))
    total = _products(before, after)
    count = _products(known.astype(float), known.astype(float))
    with np.errstate(divide="ignore", invalid="ignore"):
        a_MS = np.where(count > 0.5, total / count, np.nan)  # with all, without each
        left = np.isfinite(a_MS).all(axis=-1, keepdims=True)
        mean_S = np.where(left, a_MS, 0.0).sum(axis=-2) / left.sum(axis=-2)
    return jackknifed(mean_S[..., 0], mean_S[..., 1:])


def _products(a_MCS: Array, b_MCS: Array) -> Array:
    """Sum of products of different seeds in different cells: [..., M, 1 + S].

    Of all seeds, then without each of them.
    """
    a_MC, b_MC = (x.sum(axis=-1, keepdims=True) for x in (a_MCS, b_MCS))
    both_MCS = a_MCS * b_MCS
    both_MC = both_MCS.sum(axis=-1, keepdims=True)
    a_MC = np.concatenate([a_MC, a_MC - a_MCS], axis=-1)  # of all, without each
    b_MC = np.concatenate([b_MC, b_MC - b_MCS], axis=-1)
    both_MC = np.concatenate([both_MC, both_MC - both_MCS], axis=-1)
    of_cell = a_MC * b_MC - both_MC  # of different seeds in one cell
    if a_MCS.shape[-2] == 1:
        return of_cell[..., 0, :]
    of_seed = a_MCS.sum(axis=-2) * b_MCS.sum(axis=-2)  # of one seed in any cells
    every = of_seed.sum(axis=-1, keepdims=True)
    one_seed = np.concatenate([every, every - of_seed], axis=-1)
    return a_MC.sum(axis=-2) * b_MC.sum(axis=-2) - one_seed - of_cell.sum(axis=-2)


class TaskDependence(NamedTuple):
    """It is true where the profile over levels depends on the task.

    True by the F test of the interaction, where its size is ``smallest`` at least;
    false where the interval of the size lies below that.  Values are in deviations
    between the seeds of a task, and so is the size: r.m.s. over tasks and levels.
    """

    values_TSL: Array
    smallest: float

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        return self.values_TSL.shape[-2]

    def shown(self) -> Shown:
        """Judge the interaction."""
        if self.seeds < FEWEST:
            nothing = np.ones(self.values_TSL.shape[:-3])
            return Shown(nothing, nothing)
        sizes_S = interaction_sizes(self.values_TSL)
        large = sizes_S.mean(axis=-1) >= self.smallest**2
        _, p, _ = interaction_test(self.values_TSL)
        below = excluded_at(sizes_S, self.smallest**2)
        return Shown(np.where(large, p, 1.0), np.where(large, 1.0, below))

    def planted(self, truth_D: NDArray[np.int64], draws: Draws) -> TaskDependence:
        """Plant a rise in every second task and a fall in the others, or nothing.

        The size is twice the smallest of interest.  There is none below nothing, so
        that nothing is planted for false and for null alike.
        """
        tasks, _, levels = self.values_TSL.shape
        pattern_TL = np.outer(
            np.where(np.arange(tasks) % 2, 1.0, -1.0), np.linspace(-1, 1, levels)
        )
        pattern_TL -= pattern_TL.mean(axis=0)
        pattern_TL *= 2 * self.smallest / np.sqrt(np.mean(pattern_TL**2))
        size_D = np.where(truth_D == TRUE, 1.0, 0.0)
        own_TLDS = resampled_residuals(np.moveaxis(self.values_TSL, 1, -1), draws)
        own_DTSL = own_TLDS.transpose(2, 0, 3, 1)
        planted = own_DTSL + size_D[:, None, None, None] * pattern_TL[:, None, :]
        return TaskDependence(planted, self.smallest)


class SomeDepend(NamedTuple):
    """It is true where a metric's profile depends on the task, and false where few do.

    True by the clearest metric, Bonferroni's K p of ``TaskDependence``.  False where
    none is clear, and the size of the interaction, r.m.s. over metrics too, is shown to
    be below ``smallest``: that each alone is small asks for many more seeds.
    """

    parts: tuple[TaskDependence, ...]
    """of metrics whose seeds are the same"""
    smallest: float

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        return max((part.seeds for part in self.parts), default=0)

    def shown(self) -> Shown:
        """Judge the clearest metric, and all of them as a whole."""
        if self.seeds < FEWEST:
            return Shown(np.array(1.0), np.array(1.0))
        clear = np.min([part.shown().true for part in self.parts], axis=0)
        true = np.minimum(1.0, len(self.parts) * clear)
        sizes = [interaction_sizes(part.values_TSL) for part in self.parts]
        sizes_S = np.mean(sizes, axis=0)
        below = excluded_at(sizes_S, self.smallest**2)
        small = (sizes_S.mean(axis=-1) < self.smallest**2) & (true > COUNTS)
        return Shown(true, np.where(small, below, 1.0))

    def planted(self, truth_D: NDArray[np.int64], draws: Draws) -> SomeDepend:
        """Plant it in one metric, another in each experiment, or in none."""
        made = AnyOf(self.parts).planted(truth_D, draws).parts
        return self._replace(parts=made)  # type: ignore[arg-type]


class Bounded(NamedTuple):
    """Evidence from numbers that are bounds on one side of what is meant."""

    part: Mean
    can_hold: bool
    """the truth is as large or larger"""
    can_fail: bool
    """the truth is as small or smaller"""

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        return self.part.seeds

    def shown(self) -> Shown:
        """Judge the part where a bound allows it."""
        true, false = self.part.shown()
        return Shown(
            true if self.can_hold else np.ones_like(true),
            false if self.can_fail else np.ones_like(false),
        )

    def planted(self, truth_D: NDArray[np.int64], draws: Draws) -> Bounded:
        """Plant it in the part."""
        return self._replace(part=self.part.planted(truth_D, draws))
