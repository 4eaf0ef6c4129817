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
nothing else.  First all starts are followed until f hardly falls any more, then those
to their end that may still be the best.

n dimensions, K starts, rows of L numbers: n and zeros to whole vectors; skew matrices
are their S = n (n - 1) / 2 numbers below the diagonal, row by row.
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
SORTED_AT, BEHIND = 1e-7, 3e-2
"""The gradient's square at which starts are compared, and how far behind the best one,
in f, one is given up.  Of 2,976 starts between operators of rank 20 a hundredth fell by
more than 0.007 from there, out of saddles, and none by more than 0.021."""
POLISHED, POLISHED_UNTIL = 2000, 1e-20
"""The same as of FOLLOWED for the best of the ends."""


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
    """out = a b, rows of b added up, two rows of a at a time."""
    n, row = a.shape[0], out.shape[1]
    out[:] = 0.0
    for i in range(0, n - 1, 2):
        for k in range(0, n - 3, 4):
            a0, a1, a2, a3 = a[i, k], a[i, k + 1], a[i, k + 2], a[i, k + 3]
            c0, c1 = a[i + 1, k], a[i + 1, k + 1]
            c2, c3 = a[i + 1, k + 2], a[i + 1, k + 3]
            for j in range(row):
                b0, b1, b2, b3 = b[k, j], b[k + 1, j], b[k + 2, j], b[k + 3, j]
                out[i, j] += (a0 * b0 + a1 * b1) + (a2 * b2 + a3 * b3)
                out[i + 1, j] += (c0 * b0 + c1 * b1) + (c2 * b2 + c3 * b3)
        for k in range(n - n % 4, n):
            for j in range(row):
                out[i, j] += a[i, k] * b[k, j]
                out[i + 1, j] += a[i + 1, k] * b[k, j]
    for i in range(n - n % 2, n):
        for k in range(n):
            for j in range(row):
                out[i, j] += a[i, k] * b[k, j]


@summing
def _inner(a: Any, b: Any) -> Any:
    total = 0.0
    for s in range(a.shape[0]):
        total += a[s] * b[s]
    return total


@compiled
def _transposed(a: Any, out: Any) -> None:
    n = a.shape[0]
    for i in range(n):
        for j in range(n):
            out[j, i] = a[i, j]


@compiled
def _slope(a: Any, m: Any, gradient: Any, am: Any, ma: Any) -> Any:
    """f, and df/dX into ``gradient``, [S]."""
    _product(a, m, am)
    _product(m, a, ma)
    n, f, s = a.shape[0], 0.0, 0
    for i in range(n):
        f -= am[i, i]
        for j in range(i):
            gradient[s] = (am[j, i] - ma[j, i]) - (am[i, j] - ma[i, j])
            s += 1
    return f


@compiled
def _cayley(x: Any, left: Any, q: Any) -> None:
    """q = (I - x/2)^-1 (I + x/2), by elimination; for skew x no pivots are needed."""
    n, row, s = q.shape[0], q.shape[1], 0
    left[:] = 0.0
    q[:] = 0.0
    for i in range(n):
        for j in range(i):
            half = 0.5 * x[s]
            left[i, j], left[j, i] = -half, half
            q[i, j], q[j, i] = half, -half
            s += 1
        left[i, i] = q[i, i] = 1.0
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

    Returns the slope of f along x: the numbers below the diagonal times each other.
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
        scale = 1.0 / max(1.0, np.sqrt(2.0 * _inner(gradient, gradient)))
    _scale(x, scale)
    for s in range(first, held):
        at = s % HISTORY
        _add(x, alpha[at] - rho[at] * _inner(changes[at], x), steps[at])
    _scale(x, -1.0)
    return _inner(gradient, x)


@compiled
def _add(x: Any, factor: Any, y: Any) -> None:
    for s in range(x.shape[0]):
        x[s] += factor * y[s]


@compiled
def _scale(x: Any, factor: Any) -> None:
    for s in range(x.shape[0]):
        x[s] *= factor


@compiled
def _search_line(
    a: Any, m: Any, x: Any, f: Any, slope: Any, trial: Any, gradient: Any, work: Any
) -> Any:
    """Halve x until f falls by Armijo's rule.  Returns f there; as it was: no way down.

    The point is left in ``trial``, its gradient in ``gradient``.
    """
    for _ in range(25):
        _turned(x, m, work, trial)
        new = _slope(a, trial, gradient, work[0], work[2])
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
    numbers = n * (n - 1) // 2
    work, trial = np.zeros((3, n, row)), np.zeros((n, row))
    gradient, after, x = np.zeros(numbers), np.zeros(numbers), np.zeros(numbers)
    steps, changes = np.zeros((HISTORY, numbers)), np.zeros((HISTORY, numbers))
    rho, held = np.zeros(HISTORY), 0
    f = _slope(a, m, gradient, work[0], work[2])
    for _ in range(most):
        if 2.0 * _inner(gradient, gradient) < small:
            break
        slope = _direction(gradient, steps, changes, rho, held, x)
        if slope >= 0:
            held = 0
            slope = _direction(gradient, steps, changes, rho, held, x)
        new = _search_line(a, m, x, f, slope, trial, after, work)
        if new >= f:
            break
        f = new
        m[:] = trial
        _product(work[1], c, work[0])
        c[:] = work[0]
        held = _remember(steps, changes, rho, held, x, gradient, after)
        gradient[:] = after
    return f


@compiled
def _follow(a: Any, m_K: Any, c_K: Any, f_K: Any) -> None:
    """Follow all starts some way, then those to their end that may be the best."""
    for k in range(f_K.shape[0]):
        f_K[k] = descend(a, m_K[k], c_K[k], FOLLOWED, SORTED_AT)
    best = f_K.min()
    for k in range(f_K.shape[0]):
        if f_K[k] <= best + BEHIND:
            f_K[k] = descend(a, m_K[k], c_K[k], FOLLOWED, FOLLOWED_UNTIL)


def align_operators(a_nn: Array, b_nn: Array, starts: int) -> AlignedOperators:
    """min over C in O(n) of ||A - C B C'||_F, for A and B of norm 1, from many starts.

    The starts do not depend on chance, and the same pair in the other order gives the
    same distance exactly and the transpose of C.
    """
    swapped = a_nn.tobytes() > b_nn.tobytes()
    if swapped:
        a_nn, b_nn = b_nn, a_nn
    n = len(a_nn)
    c_Knn = rotation_starts(a_nn, b_nn, starts)
    m_KnL = _in_lines(np.swapaxes(c_Knn @ b_nn @ np.swapaxes(c_Knn, 1, 2), 1, 2))
    c_KnL, f_K = _in_lines(c_Knn), np.zeros(len(c_Knn))
    a_nL = _in_lines(a_nn)
    _follow(a_nL, m_KnL, c_KnL, f_K)
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
