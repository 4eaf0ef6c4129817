"""Recursive least squares, one sample after the other, compiled.

The same mathematics as ``core.least_squares``, in float64.  P is not written at every
sample.  It is kept as it was some samples ago, P0, with what is to be taken from it,

    P = P0 - sum_j q_j q_j',   P r = P0 r - sum_j q_j (q_j' r),

and every ``FOLD`` samples the sum goes into P0: the same P, at less traffic.  As P is
symmetric, half of it is read and written.  N units, O outputs; rows are padded with
zeros to whole lines.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.kernels.compiling import compiled, summing
from popnet.kernels.tiles import aligned, padded

FOLD = 16
"""Samples between two writings of P; of 8, 16 and 32 the fastest at N = 200."""
BLOCK = 8
"""The numbers of a line in float64: the squares on P's diagonal, kept whole."""

Doubles = NDArray[np.float64]


class ReadoutFit(NamedTuple):
    """What has been learned, and the sample at hand."""

    p: Doubles
    """P0, right on and below the diagonal."""
    q: Doubles
    """What is still to be taken from P0, and zeros, [FOLD, N]."""
    w: Doubles
    """[O, N]"""
    r: Doubles
    pr: Doubles
    """P r"""


def fit_of(w_ON: NDArray[Any], p_NN: NDArray[np.float64]) -> ReadoutFit:
    """A fit to go on with."""
    outputs, n = w_ON.shape
    row = padded(n, np.float64)
    fit = ReadoutFit(
        *(aligned(k, row, dtype=np.float64) for k in (row, FOLD, outputs)),
        *(aligned(row, dtype=np.float64) for _ in range(2)),
    )
    fit.p[:n, :n] = p_NN
    fit.w[:, :n] = w_ON
    return fit


@summing
def _inner(a: Any, b: Any) -> Any:
    total = 0.0
    for i in range(a.shape[0]):
        total += a[i] * b[i]
    return total


@summing
def _correct(pr: Any, q: Any, held: int, r: Any) -> None:
    """pr -= sum_j q_j (q_j' r), four at a time; beyond those held they are 0."""
    for h in range(0, held, 4):
        q0, q1, q2, q3 = q[h], q[h + 1], q[h + 2], q[h + 3]
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        for i in range(r.shape[0]):
            s0 += q0[i] * r[i]
            s1 += q1[i] * r[i]
            s2 += q2[i] * r[i]
            s3 += q3[i] * r[i]
        for i in range(r.shape[0]):
            pr[i] -= s0 * q0[i] + s1 * q1[i] + s2 * q2[i] + s3 * q3[i]


@summing
def _times(p: Any, r: Any, pr: Any) -> None:
    """pr = P0 r from half of P0: what stands at (i, j) acts on i and on j."""
    pr[:] = 0
    for i in range(0, r.shape[0], 4):
        row0, row1, row2, row3 = p[i], p[i + 1], p[i + 2], p[i + 3]
        r0, r1, r2, r3 = r[i], r[i + 1], r[i + 2], r[i + 3]
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        square = i // BLOCK * BLOCK
        for j in range(square):
            a, b, c, d, rj = row0[j], row1[j], row2[j], row3[j], r[j]
            pr[j] += r0 * a + r1 * b + r2 * c + r3 * d
            s0 += a * rj
            s1 += b * rj
            s2 += c * rj
            s3 += d * rj
        for j in range(square, square + BLOCK):
            s0 += row0[j] * r[j]
            s1 += row1[j] * r[j]
            s2 += row2[j] * r[j]
            s3 += row3[j] * r[j]
        pr[i] += s0
        pr[i + 1] += s1
        pr[i + 2] += s2
        pr[i + 3] += s3


@compiled
def fold(p: Any, q: Any) -> None:
    """P0 -= sum_j q_j q_j', the half that is kept; then nothing is left to take."""
    for i in range(0, p.shape[0], 2):
        one, other = p[i], p[i + 1]
        for h in range(0, q.shape[0], 4):
            q0, q1, q2, q3 = q[h], q[h + 1], q[h + 2], q[h + 3]
            a0, a1, a2, a3 = q0[i], q1[i], q2[i], q3[i]
            b0, b1, b2, b3 = q0[i + 1], q1[i + 1], q2[i + 1], q3[i + 1]
            for j in range(i // BLOCK * BLOCK + BLOCK):
                c0, c1, c2, c3 = q0[j], q1[j], q2[j], q3[j]
                one[j] = one[j] - a0 * c0 - a1 * c1 - a2 * c2 - a3 * c3
                other[j] = other[j] - b0 * c0 - b1 * c1 - b2 * c2 - b3 * c3
    q[:] = 0


@compiled
def mirror(p: Any) -> None:
    """The other half of P0."""
    for i in range(p.shape[0]):
        for j in range(i):
            p[j, i] = p[i, j]


@compiled
def take_sample(fit: ReadoutFit, held: int) -> tuple[Any, Any]:
    """The sample in ``fit.r``, after ``held`` others since P0; w is left as it is.

    Returns r' P r and 1 / (1 + r' P r), and leaves P r in ``fit.pr``, all with the P
    from before the sample.
    """
    _times(fit.p, fit.r, fit.pr)
    _correct(fit.pr, fit.q, held, fit.r)
    rpr = _inner(fit.r, fit.pr)
    gain = 1 / (1 + rpr)
    root = np.sqrt(gain)
    for i in range(fit.pr.shape[0]):
        fit.q[held, i] = root * fit.pr[i]
    return rpr, gain
