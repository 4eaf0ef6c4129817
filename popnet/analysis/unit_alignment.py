"""Finds the labels of one network's units that best match another network's.

    N units;   a_NN, b_NN: weights [post, pre] of two networks

A relabelling P maximises tr(A' P B P'), so it minimises |A - P B P'|_F.  This is the
quadratic assignment problem: no fast search is sure of the best answer.  FAQ climbs
within the convex hull of the permutations and ends at the nearest permutation
(Vogelstein et al., PLoS ONE 10, e0121002, 2015).  Starts: the labels as they are, the
barycentre of the hull, and as many random matrices as are asked for; the best end
counts.

Where phi is odd, as tanh is, h_i -> -h_i with the signs of unit i's weights turned is
one more symmetry.  Then P is a signed permutation, and the hull are the matrices whose
absolute values sum to 1 at most along each row and column.  There the barycentre is 0,
a saddle at which no search can start; the first start is instead the relabelling that
matches |A| and |B|, which no sign can change, with the best signs for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MOST_STEPS = 60
"""Steps of the climb to signed permutations; about ten are needed."""
SMALL_STEP = 0.01
"""The climb ends with a step that is smaller, rms over units; FAQ's own is 0.03."""


class Alignment(NamedTuple):
    """A relabelling: unit i of the first network is unit order_N[i] of the other."""

    order_N: NDArray[np.int64]
    sign_N: Array
    """-1 where the two units have opposite signs."""

    def of(self, b_NN: Array) -> Array:
        """P B P': the other network's weights in the labels of the first."""
        return b_NN[np.ix_(self.order_N, self.order_N)] * np.outer(
            self.sign_N, self.sign_N
        )


def aligned(
    a_NN: Array, b_NN: Array, fixed: Sequence[int], restarts: int = 0
) -> NDArray[np.int64]:
    """The order of b's units that best matches a, [N].  FAQ; see this module.

    ``fixed``: units that keep their places.  ``restarts``: further starts, each the
    mean of the barycentre and a random doubly stochastic matrix.
    """
    # imported on first use: actors, which compare nothing, would each load it too
    from scipy.optimize import quadratic_assignment

    units = len(a_NN)
    guesses: list[Any] = [np.eye(units - len(fixed)), "barycenter"]
    guesses += ["randomized"] * restarts
    partial = np.array([[i, i] for i in fixed], dtype=np.int64).reshape(-1, 2)
    best_order, best_value = np.arange(units), float(np.sum(a_NN * b_NN))
    for number, guess in enumerate(guesses):
        # a generator of its own: without one scipy turns to numpy's global one
        own = np.random.default_rng(max(0, number - 1))
        options = {"maximize": True, "partial_match": partial, "rng": own, "P0": guess}
        found = quadratic_assignment(a_NN, b_NN, method="faq", options=options)
        order = np.asarray(found.col_ind, dtype=np.int64)
        value = float(np.sum(a_NN * b_NN[np.ix_(order, order)]))
        if value > best_value:
            best_order, best_value = order, value
    return best_order


def signed_alignment(
    a_NN: Array, b_NN: Array, fixed: Sequence[int], restarts: int = 0
) -> Alignment:
    """The order and signs of b's units that best match a.  After FAQ; see this module.

    ``fixed``: units that keep their places and signs.  ``restarts``: further starts,
    each a random matrix.  Never worse than ``aligned``, which is one of the starts.
    """
    ones = np.ones(len(a_NN))
    known = [Alignment(np.arange(len(a_NN)), ones)]
    known.append(Alignment(aligned(a_NN, b_NN, fixed), ones))
    order = aligned(np.abs(a_NN), np.abs(b_NN), fixed)
    known.append(_with_best_signs(a_NN, b_NN, order, fixed))
    starts = [*(_as_matrix(one) for one in known), *_random(a_NN, fixed, restarts)]
    known += [_climbed(a_NN, b_NN, start_NN, fixed) for start_NN in starts]
    return max(known, key=lambda one: float(np.sum(a_NN * one.of(b_NN))))


def apart_aligned(
    a_NN: Array,
    b_NN: Array,
    fixed: Sequence[int],
    signed: bool = False,
    restarts: int = 0,
) -> float:
    """|A - P B P'|_F at the best (signed) permutation P that is found."""
    if signed:
        moved_NN = signed_alignment(a_NN, b_NN, fixed, restarts).of(b_NN)
    else:
        order = aligned(a_NN, b_NN, fixed, restarts)
        moved_NN = b_NN[np.ix_(order, order)]
    return float(np.linalg.norm(a_NN - moved_NN))


@lru_cache(maxsize=32)
def unrelated_distance(
    units: int, fixed: int = 0, signed: bool = False, restarts: int = 0
) -> float:
    """d_N: the mean aligned distance of matrices of independent normal numbers.

        mean of min over P of |A - P B P'|_F / sqrt(|A|_F^2 + |B|_F^2)

    The mean over pairs, always the same ones: its standard error is about 1 %.  The
    search is the one whose distances are divided by it: as many starts, signs or none.
    ``fixed``: how many of the units keep their places.
    """
    if units - fixed < 2:
        return 1.0
    random = np.random.default_rng(units)
    found = []
    for _ in range(4 + 400 // units):
        a, b = random.standard_normal((2, units, units))
        scale = np.sqrt(np.sum(a**2) + np.sum(b**2))
        apart = apart_aligned(a, b, range(fixed), signed, restarts)
        found.append(min(apart, float(np.linalg.norm(a - b))) / scale)
    return float(np.mean(found))


def _climbed(
    a_NN: Array, b_NN: Array, start_NN: Array, fixed: Sequence[int]
) -> Alignment:
    """Frank and Wolfe's ascent of f(P) = tr(A' P B P') from a point of the hull.

    Each step goes towards the signed permutation Q that is best along the gradient
    A P B' + A' P B, as far as f rises; f is quadratic, so that is known exactly.
    """
    p_NN = start_NN
    for _ in range(MOST_STEPS):
        gradient_NN = a_NN @ p_NN @ b_NN.T + a_NN.T @ p_NN @ b_NN
        step_NN = _as_matrix(_nearest(gradient_NN, fixed)) - p_NN
        slope = float(np.sum(gradient_NN * step_NN))
        bend = float(np.sum(a_NN * (step_NN @ b_NN @ step_NN.T)))
        share = 1.0 if bend >= 0 else min(1.0, -slope / (2 * bend))
        p_NN = p_NN + share * step_NN
        if share * np.linalg.norm(step_NN) < SMALL_STEP * np.sqrt(len(a_NN)):
            break
    return _with_best_signs(a_NN, b_NN, _nearest(p_NN, fixed).order_N, fixed)


def _nearest(p_NN: Array, fixed: Sequence[int]) -> Alignment:
    """The signed permutation S that maximises sum_ij P_ij S_ij."""
    from scipy.optimize import linear_sum_assignment

    free = np.setdiff1d(np.arange(len(p_NN)), fixed)
    order_N, sign_N = np.arange(len(p_NN)), np.ones(len(p_NN))
    rows, columns = linear_sum_assignment(-np.abs(p_NN[np.ix_(free, free)]))
    order_N[free[rows]] = free[columns]
    sign_N[free] = np.where(p_NN[free, order_N[free]] < 0, -1.0, 1.0)
    return Alignment(order_N, sign_N)


def _with_best_signs(
    a_NN: Array, b_NN: Array, order_N: NDArray[np.int64], fixed: Sequence[int]
) -> Alignment:
    """The signs s that maximise s' C s, C = A * P B P', for one order.

    The signs of C's leading eigenvector, then of one unit at a time while that helps.
    """
    c_NN = a_NN * b_NN[np.ix_(order_N, order_N)]
    c_NN = c_NN + c_NN.T
    np.fill_diagonal(c_NN, 0)  # a unit's weight to itself keeps its sign
    sign_N = np.where(np.linalg.eigh(c_NN)[1][:, -1] < 0, -1.0, 1.0)
    kept = list(fixed)
    if kept and sign_N[kept].sum() < 0:
        sign_N = -sign_N
    sign_N[kept] = 1.0
    least = 1e-12 * np.abs(c_NN).sum()
    while True:
        gain_N = -sign_N * (c_NN @ sign_N)
        gain_N[kept] = 0
        best = int(np.argmax(gain_N))
        if gain_N[best] <= least:
            return Alignment(order_N, sign_N)
        sign_N[best] *= -1


def _as_matrix(one: Alignment) -> Array:
    """P, with P[i, order[i]] = sign[i]."""
    p_NN = np.zeros((len(one.order_N), len(one.order_N)))
    p_NN[np.arange(len(p_NN)), one.order_N] = one.sign_N
    return p_NN


def _random(a_NN: Array, fixed: Sequence[int], restarts: int) -> Iterator[Array]:
    """Random points of the hull of signed permutations that keep the fixed units."""
    free = np.setdiff1d(np.arange(len(a_NN)), fixed)
    for number in range(restarts):
        own = np.random.default_rng(number + 1)
        drawn = own.standard_normal((len(free), len(free)))
        sums = np.abs(drawn).sum(axis=0), np.abs(drawn).sum(axis=1)
        p_NN = np.eye(len(a_NN))
        p_NN[np.ix_(free, free)] = drawn / np.max(sums) if len(free) else drawn
        yield p_NN
