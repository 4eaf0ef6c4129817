"""Roots of networks at constant input, compiled: one search after the other.

The same algorithm as ``core.roots`` in float64.  A network's weights stay in the cache
while all its searches run; J'J is a product of tiles, and its Cholesky factor R'R takes
four rows at a time.  A search that has ended costs nothing.  U free units, F starts;
rows are padded with zeros to whole lines.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from math import exp, log1p, tanh
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from popnet.core import roots as reference
from popnet.core.autonomous import Autonomous
from popnet.core.roots import Roots
from popnet.kernels.compiling import compiled, summing
from popnet.kernels.rates import CODES
from popnet.kernels.tiles import aligned, multiply_transposed, padded

MOST, PATIENCE = reference.MOST, reference.PATIENCE
EXACT, STALLED = reference.EXACT, reference.STALLED
ENOUGH, POOR, ACCEPTED = reference.ENOUGH, reference.POOR, reference.ACCEPTED
FALL, RISE = reference.FALL, reference.RISE
FIRST, LEAST = reference.FIRST, reference.LEAST
BLOCK = 8
"""Doubles of a line: a row of R begins with the line in which its diagonal stands."""


@compiled
def _transfer(code: int, z: Any, r: Any, gain: Any) -> None:
    """r = phi(z), gain = phi'(z); as ``core.cell.NONLINEARITIES``."""
    for i in range(z.shape[0]):
        if code == 0 or code == 2:
            t = tanh(z[i])
            r[i], gain[i] = t + (code == 2), 1 - t * t
        elif code == 1:
            on = z[i] > 0
            r[i], gain[i] = (z[i] if on or z[i] != z[i] else 0.0), 1.0 * on
        elif code == 3:
            t = tanh(z[i])
            on = z[i] > 0
            r[i] = t if on or t != t else 0.0
            gain[i] = (1 - t * t) * on
        else:
            e = exp(-abs(z[i]))
            r[i] = max(z[i], 0.0) + log1p(e)
            gain[i] = 1 / (1 + e) if z[i] > 0 else e / (1 + e)


@summing
def _product(w: Any, r: Any, out: Any) -> None:
    """out += W r, four rows at a time."""
    n = r.shape[0]
    whole = out.shape[0] // 4 * 4
    for i in range(0, whole, 4):
        a, b, c, d = w[i, :n], w[i + 1, :n], w[i + 2, :n], w[i + 3, :n]
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        for j in range(n):
            s0 += a[j] * r[j]
            s1 += b[j] * r[j]
            s2 += c[j] * r[j]
            s3 += d[j] * r[j]
        out[i] += s0
        out[i + 1] += s1
        out[i + 2] += s2
        out[i + 3] += s3
    for i in range(whole, out.shape[0]):
        row, s = w[i, :n], 0.0
        for j in range(n):
            s += row[j] * r[j]
        out[i] += s


@compiled
def _velocity(
    code: int, rate: bool, w: Any, c: Any, slope: Any, threshold: Any, x: Any,
    f: Any, r: Any, gain: Any, z: Any,
) -> float:  # fmt: skip
    """f(x) and the gains slope phi'; returns q = |f|^2 / 2."""
    n = x.shape[0]
    q = 0.0
    if rate:
        for i in range(n):
            z[i] = c[i]
        _product(w, x, z)
        for i in range(n):
            z[i] = slope[i] * (z[i] - threshold[i])
        _transfer(code, z, r, gain)
        for i in range(n):
            f[i] = r[i] - x[i]
    else:
        for i in range(n):
            z[i] = slope[i] * (x[i] - threshold[i])
        _transfer(code, z, r, gain)
        for i in range(n):
            f[i] = c[i] - x[i]
        _product(w, r, f)
    for i in range(n):
        gain[i] *= slope[i]
        q += f[i] * f[i]
    return q / 2


@compiled
def _jacobian(rate: bool, w: Any, gain: Any, j: Any) -> None:
    """J = -I + W diag(gain), in the rate form -I + diag(gain) W."""
    for i in range(gain.shape[0]):
        own = gain[i]
        for k in range(gain.shape[0]):
            j[i, k] = (own if rate else gain[k]) * w[i, k]
        j[i, i] -= 1


@compiled
def _gradient(j: Any, f: Any, g: Any) -> None:
    """g = J'f."""
    g[:] = 0
    for i in range(f.shape[0]):
        row, fi = j[i], f[i]
        for k in range(f.shape[0]):
            g[k] += fi * row[k]


@compiled
def _factor(a: Any, r: Any, damping: float, n: int) -> bool:
    """R with R'R = A + damping I, in the upper half of r; False where there is none.

    What stands left of the diagonal, in its line, is nothing.
    """
    for i in range(n):
        for j in range(i // BLOCK * BLOCK, n):
            r[i, j] = a[i, j]
        r[i, i] += damping
    for k in range(0, n, 4):
        end = min(k + 4, n)
        for p in range(k, end):
            for h in range(k, p):
                s = r[h, p]
                for j in range(p, n):
                    r[p, j] -= s * r[h, j]
            if not r[p, p] > 0:
                return False
            root = 1 / np.sqrt(r[p, p])
            for j in range(p, n):
                r[p, j] *= root
        if end - k < 4:
            break
        r0, r1, r2, r3 = r[k], r[k + 1], r[k + 2], r[k + 3]
        for i in range(end, n):
            s0, s1, s2, s3 = r0[i], r1[i], r2[i], r3[i]
            row = r[i]
            for j in range(i // BLOCK * BLOCK, n):
                row[j] = row[j] - s0 * r0[j] - s1 * r1[j] - s2 * r2[j] - s3 * r3[j]
    return True


@summing
def _solved(r: Any, b: Any, n: int) -> None:
    """b = (R'R)^-1 b, in place."""
    for k in range(n):
        row = r[k]
        b[k] /= row[k]
        own = b[k]
        for j in range(k + 1, n):
            b[j] -= own * row[j]
    for k in range(n - 1, -1, -1):
        row, s = r[k], b[k]
        for j in range(k + 1, n):
            s -= row[j] * b[j]
        b[k] = s / row[k]


@compiled
def _tried(
    a: Any, factor: Any, damping: float, g: Any, x: Any, d: Any, new: Any
) -> float:
    """x + d, and by how much q would fall were f linear; 0 where there is no step."""
    n = x.shape[0]
    if not _factor(a, factor, damping, n):
        return 0.0
    for i in range(n):
        d[i] = -g[i]
    _solved(factor, d, n)
    promised = 0.0
    for i in range(n):
        promised += d[i] * (damping * d[i] - g[i]) / 2
        new[i] = x[i] + d[i]
    return promised


@compiled
def _search(
    code: int, rate: bool, w: Any, c: Any, slope: Any, threshold: Any, x: Any,
    square: Any, row: Any,
) -> tuple[float, int]:  # fmt: skip
    """Levenberg-Marquardt from x, in place: q there, and the steps it took."""
    n = x.shape[0]
    j, a, factor = square[0], square[1], square[2]
    f, r, gain, z, g, d, new, f_new = (
        row[0, :n], row[1, :n], row[2, :n], row[3, :n],
        row[4, :n], row[5, :n], row[6, :n], row[7, :n],
    )  # fmt: skip
    q = _velocity(code, rate, w, c, slope, threshold, x, f, r, gain, z)
    mu, stalled, steps, moved = FIRST, 0, 0, True
    while steps < MOST and q > EXACT and stalled < PATIENCE:
        if moved:
            _jacobian(rate, w, gain, j)
            _gradient(j, f, g)
            a[:] = 0
            multiply_transposed(a, j, 0, j, n, n)
        damping = mu * np.sqrt(2 * q)
        promised = _tried(a, factor, damping, g, x, d, new)
        q_new = _velocity(code, rate, w, c, slope, threshold, new, f_new, r, gain, z)
        ratio = (q - q_new) / promised if promised > 0 else -1.0
        moved = ratio > ACCEPTED
        stalled = 0 if moved and q_new <= (1 - STALLED) * q else stalled + 1
        if not (moved and ratio >= POOR):
            mu *= RISE
        if moved and ratio > ENOUGH:
            mu = max(FALL * mu, LEAST)
        if moved:
            q = q_new
            for i in range(n):
                x[i], f[i] = new[i], f_new[i]
        steps += 1
    return q, steps


@compiled
def _searches(
    code: int, rate: bool, w: Any, c: Any, slope: Any, threshold: Any, x_FU: Any,
    q_F: Any, steps_F: Any, square: Any, row: Any,
) -> None:  # fmt: skip
    """The searches of one network at one input."""
    for i in range(x_FU.shape[0]):
        q_F[i], steps_F[i] = _search(
            code, rate, w, c, slope, threshold, x_FU[i], square, row
        )


def solve(
    networks: Autonomous, start_PLFU: Float[Tensor, "P L F U"], threads: int = 1
) -> Roots:
    """Where each start leads, as ``core.roots.solve`` finds it; q = |f(x)|^2 / 2.

    ``threads``: conditions (a network at an input) that are searched at once.  What a
    start finds does not depend on it.
    """
    shape = start_PLFU.shape
    x_PLFU = start_PLFU.detach().numpy().astype(np.float64, copy=True)
    q_PLF = np.empty(shape[:3])
    steps_PLF = np.empty(shape[:3], dtype=np.int64)
    rate, code = networks.form == "rate", CODES[networks.nonlinearity]
    arrays = [
        np.ascontiguousarray(t.detach().numpy(), dtype=np.float64)
        for t in (
            networks.w_PUU, networks.drive_PLU, networks.slope_PU, networks.threshold_PU
        )
    ]  # fmt: skip
    w_PUU, drive_PLU, slope_PU, threshold_PU = arrays

    def condition(place: int) -> None:
        p, at = divmod(place, shape[1])
        width = padded(shape[-1], np.float64)
        square = aligned(3, width, width, dtype=np.float64)
        row = aligned(8, width, dtype=np.float64)
        _searches(
            code, rate, w_PUU[p], drive_PLU[p, at], slope_PU[p], threshold_PU[p],
            x_PLFU[p, at], q_PLF[p, at], steps_PLF[p, at], square, row,
        )  # fmt: skip

    places = range(shape[0] * shape[1])
    if threads == 1:
        for place in places:
            condition(place)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(condition, places))
    return Roots(*(torch.from_numpy(a) for a in (x_PLFU, q_PLF, steps_PLF)))
