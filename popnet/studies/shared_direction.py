"""Evidence that metrics, as a whole, follow the graded level in one direction.

M rows (metrics x inner levels), C cells (tasks x configurations), S seeds, D
experiments
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.intervals import jackknifed
from popnet.studies.evidence import FEWEST, Draws, Mean, Shown

Array = NDArray[np.float64]


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

    False where A is shown to be small, see ``_shown_small``.
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
        true = found.shown().true
        false = _shown_small(*_error(found.values_S), self.smallest**2, self.seeds)
        return Shown(np.where(known, true, 1.0), np.where(known, false, 1.0))

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


def _error(values_S: Array) -> tuple[Array, Array]:
    """The mean of jackknifed values, and the variance of that."""
    n = values_S.shape[-1]
    return values_S.mean(axis=-1), values_S.var(axis=-1, ddof=1) / max(n, 1)


def _shown_small(a: Array, v: Array, bound: float, n: int) -> Array:
    """The p-value at which a square, or a product, is shown to be below a bound.

    By t errors of the size that they have at the bound: a product whose factors are low
    by chance seems to be known well.  With v the variance of the estimate a,

        v = 4 a e + 2 e^2,  which gives e,   v0 = 4 bound e + 2 e^2
    """
    from scipy.special import stdtr

    if n < FEWEST:
        return np.ones(np.shape(a))
    positive = np.maximum(a, 0.0)
    e = np.sqrt(positive**2 + v / 2) - positive
    v0 = 4 * bound * e + 2 * e**2
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (bound - a) / np.sqrt(v0)
    p: Any = 2 * stdtr(n - 1, -np.abs(t))
    return np.where((a < bound) & (v0 > 0), p, 1.0)


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
