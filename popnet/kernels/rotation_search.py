"""The rotation that brings one linear operator closest to another: a compiled search.

    min over C in O(n) of ||A - C B C'||_F,   that is: the largest <A, C B C'>

By L-BFGS on the orthogonal group.  At a point C the group's directions are the skew
matrices X, along which C moves to Q C with Cayley's Q = (I - X/2)^-1 (I + X/2).
With M = (C B C')' the objective and its gradient in X are

    f = -tr(A M),   df/dX = (A M - M A)' - (A M - M A)

which needs two products of matrices.  Directions of successive points are all skew
matrices, so that L-BFGS takes its differences without transport (Absil, Mahony &
Sepulchre 2008, "Optimization algorithms on matrix manifolds", sections 4 and 8).

Each pair is searched by itself, start after start, in one thread: its value depends on
nothing else.  n dimensions, K starts, rows of L numbers: n and zeros to whole vectors.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.rotation_starts import rotation_starts
from popnet.kernels.compiling import compiled, summing

LANES = 8
HISTORY = 8
"""Steps that L-BFGS remembers."""
REACHED = 1e-6
"""Objectives, from -1 to 1, that differ by less are one minimum."""


Array = NDArray[np.float64]
FOLLOWED, FOLLOWED_UNTIL = 500, 1e-12
"""The most steps from a start, and the gradient's square at which they end."""
POLISHED, POLISHED_UNTIL = 2000, 1e-20
"""The same for the best of the ends."""


class AlignedOperators(NamedTuple):
    """The best alignment of one pair that was found."""

    rotation_nn: Array
    """C"""
    distance: float
    """||A - C B C'||_F"""
    reached: int
    """The number of starts that ended there."""


@compiled
def _product(a: Any, b: Any, out: Any) -> None:
    """out = a b, rows of b added up, two at a time."""
    n, row = a.shape[0], out.shape[1]
    for i in range(n):
        for j in range(row):
            out[i, j] = 0.0
        k = 0
        while k + 4 <= n:
            a0, a1, a2, a3 = a[i, k], a[i, k + 1], a[i, k + 2], a[i, k + 3]
            for j in range(row):
                out[i, j] += (a0 * b[k, j] + a1 * b[k + 1, j]) + (
                    a2 * b[k + 2, j] + a3 * b[k + 3, j]
                )
            k += 4
        while k < n:
            for j in range(row):
                out[i, j] += a[i, k] * b[k, j]
            k += 1


@summing
def _inner(a: Any, b: Any) -> Any:
    total = 0.0
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            total += a[i, j] * b[i, j]
    return total


@compiled
def _transposed(a: Any, out: Any) -> None:
    n = a.shape[0]
    for i in range(n):
        for j in range(n):
            out[j, i] = a[i, j]


@compiled
def _slope(a: Any, m: Any, gradient: Any, am: Any, ma: Any) -> Any:
    """f, and df/dX into ``gradient``."""
    _product(a, m, am)
    _product(m, a, ma)
    n, f = a.shape[0], 0.0
    for i in range(n):
        f -= am[i, i]
        for j in range(i):
            change = (am[j, i] - ma[j, i]) - (am[i, j] - ma[i, j])
            gradient[i, j] = change
            gradient[j, i] = -change
    return f


@compiled
def _cayley(x: Any, left: Any, q: Any) -> None:
    """q = (I - x/2)^-1 (I + x/2), by elimination; for skew x no pivots are needed."""
    n, row = x.shape[0], x.shape[1]
    for i in range(n):
        for j in range(row):
            left[i, j] = -0.5 * x[i, j]
            q[i, j] = 0.5 * x[i, j]
        left[i, i] += 1.0
        q[i, i] += 1.0
    for k in range(n):
        inverse = 1.0 / left[k, k]
        for i in range(k + 1, n):
            factor = left[i, k] * inverse
            for j in range(row):
                left[i, j] -= factor * left[k, j]
                q[i, j] -= factor * q[k, j]
    for k in range(n - 1, -1, -1):
        inverse = 1.0 / left[k, k]
        for j in range(row):
            q[k, j] *= inverse
        for i in range(k):
            factor = left[i, k]
            for j in range(row):
                q[i, j] -= factor * q[k, j]


@compiled
def _turned(x: Any, m: Any, work: Any, out: Any) -> None:
    """out = Q m Q', with Q into work[1]."""
    _cayley(x, work[0], work[1])
    _product(work[1], m, work[0])
    _transposed(work[1], work[2])
    _product(work[0], work[2], out)


@compiled
def _direction(
    gradient: Any, steps: Any, changes: Any, rho: Any, held: int, x: Any
) -> Any:
    """x = -H gradient, H of the last steps (Nocedal & Wright 2006, algorithm 7.4).

    Returns the slope of f along x, half the product of the two skew matrices.
    """
    alpha = np.zeros(HISTORY)
    x[:] = gradient
    first = max(0, held - HISTORY)
    for s in range(held - 1, first - 1, -1):
        at = s % HISTORY
        alpha[at] = rho[at] * _inner(steps[at], x)
        _add(x, -alpha[at], changes[at])
    if held > 0:
        at = (held - 1) % HISTORY
        scale = 1.0 / (rho[at] * _inner(changes[at], changes[at]))
    else:
        scale = 1.0 / max(1.0, np.sqrt(_inner(gradient, gradient)))
    _scale(x, scale)
    for s in range(first, held):
        at = s % HISTORY
        _add(x, alpha[at] - rho[at] * _inner(changes[at], x), steps[at])
    _scale(x, -1.0)
    return 0.5 * _inner(gradient, x)


@compiled
def _add(x: Any, factor: Any, y: Any) -> None:
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] += factor * y[i, j]


@compiled
def _scale(x: Any, factor: Any) -> None:
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            x[i, j] *= factor


@compiled
def _search_line(
    a: Any, m: Any, x: Any, f: Any, slope: Any, trial: Any, work: Any
) -> Any:
    """Halve x until f falls by Armijo's rule.  Returns f there; as it was: no way down.

    The point is left in ``trial``, its gradient in work[3].
    """
    for _ in range(25):
        _turned(x, m, work, trial)
        new = _slope(a, trial, work[3], work[0], work[2])
        if new <= f + 1e-4 * slope:
            return new
        _scale(x, 0.5)
        slope *= 0.5
    return f


@compiled
def _remember(
    steps: Any, changes: Any, rho: Any, held: int, x: Any, old: Any, new: Any
) -> Any:
    """Keep a step and the change of the gradient, if f bends upward along it."""
    at = held % HISTORY
    steps[at] = x
    changes[at] = new
    _add(changes[at], -1.0, old)
    bent = _inner(steps[at], changes[at])
    if bent <= 1e-18:
        return held
    rho[at] = 1.0 / bent
    return held + 1


@compiled
def descend(a: Any, m: Any, c: Any, most: int, small: Any) -> Any:
    """Follow f downhill from (m, c), which move along; at most so many steps.

    Ends where the gradient's square is below ``small``.  Returns f.
    """
    n, row = a.shape
    work, trial = np.zeros((4, n, row)), np.zeros((n, row))
    gradient, x = np.zeros((n, row)), np.zeros((n, row))
    steps, changes = np.zeros((HISTORY, n, row)), np.zeros((HISTORY, n, row))
    rho, held = np.zeros(HISTORY), 0
    f = _slope(a, m, gradient, work[0], work[2])
    for _ in range(most):
        if _inner(gradient, gradient) < small:
            break
        slope = _direction(gradient, steps, changes, rho, held, x)
        if slope >= 0:
            held = 0
            slope = _direction(gradient, steps, changes, rho, held, x)
        new = _search_line(a, m, x, f, slope, trial, work)
        if new >= f:
            break
        f = new
        m[:] = trial
        _product(work[1], c, work[0])
        c[:] = work[0]
        held = _remember(steps, changes, rho, held, x, gradient, work[3])
        gradient[:] = work[3]
    return f


@compiled
def _follow(a: Any, m_K: Any, c_K: Any, f_K: Any, most: int, small: Any) -> None:
    for k in range(f_K.shape[0]):
        f_K[k] = descend(a, m_K[k], c_K[k], most, small)


def align_operators(a_nn: Array, b_nn: Array, starts: int) -> AlignedOperators:
    """min over C in O(n) of ||A - C B C'||_F, for A and B of norm 1, from many starts.

    Every start is followed to its end.  The starts do not depend on chance, and the
    same pair in the other order gives the same distance exactly and the transpose of C.
    """
    swapped = a_nn.tobytes() > b_nn.tobytes()
    if swapped:
        a_nn, b_nn = b_nn, a_nn
    n = len(a_nn)
    c_Knn = rotation_starts(a_nn, b_nn, starts)
    m_KnL = _in_lines(np.swapaxes(c_Knn @ b_nn @ np.swapaxes(c_Knn, 1, 2), 1, 2))
    c_KnL, f_K = _in_lines(c_Knn), np.zeros(len(c_Knn))
    a_nL = _in_lines(a_nn)
    _follow(a_nL, m_KnL, c_KnL, f_K, FOLLOWED, FOLLOWED_UNTIL)
    best = int(f_K.argmin())
    reached = int((f_K <= f_K[best] + REACHED).sum())
    descend(a_nL, m_KnL[best], c_KnL[best], POLISHED, POLISHED_UNTIL)
    c_nn = np.ascontiguousarray(c_KnL[best, :, :n])
    distance = float(np.linalg.norm(a_nn - c_nn @ b_nn @ c_nn.T))
    return AlignedOperators(c_nn.T.copy() if swapped else c_nn, distance, reached)


def _in_lines(matrices: Array) -> Array:
    """A copy whose rows are filled up with zeros to whole vectors."""
    *shape, n = matrices.shape
    filled = np.zeros((*shape, -(-n // LANES) * LANES))
    filled[..., :n] = matrices
    return filled
