"""Evidence on graded levels: one direction in every cell, dependence on the task.

M metrics, C cells (tasks x configurations), T tasks, S seeds, L levels, D experiments
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.interactions import interaction_sizes, interaction_test
from popnet.analysis.intervals import Limits, excluded_at
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
    seeds_K: tuple[NDArray[np.int64], ...]
    """of each metric the places of its seeds among all: some lack a metric"""
    smallest: float

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        return 1 + max((int(own.max()) for own in self.seeds_K if len(own)), default=-1)

    def shown(self) -> Shown:
        """Judge the clearest metric, and all of them as a whole."""
        if self.seeds < FEWEST:
            return Shown(np.array(1.0), np.array(1.0))
        clear = np.min([part.shown().true for part in self.parts], axis=0)
        true = np.minimum(1.0, len(self.parts) * clear)
        below = excluded_at(sizes_S := self._sizes(), self.smallest**2)
        small = (sizes_S.mean(axis=-1) < self.smallest**2) & (true > COUNTS)
        return Shown(true, np.where(small, below, 1.0))

    def _sizes(self) -> Array:
        """Each seed's number, a mean over its metrics, whose mean is the square."""
        total, count = 0.0, np.zeros(self.seeds)
        for part, own in zip(self.parts, self.seeds_K, strict=True):
            placed = np.zeros((*part.values_TSL.shape[:-3], self.seeds))
            placed[..., own] = interaction_sizes(part.values_TSL)
            total = total + placed
            count[own] += 1
        return (total / np.maximum(count, 1))[..., count > 0]

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
