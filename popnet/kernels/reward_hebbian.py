"""One trial of reward-modulated Hebbian learning, one network at a time, compiled.

The same mathematics as ``rules.reward_hebbian.trace_factors`` in float32; the loops
depend on the number of units and steps alone, so a network's result is bit for bit
the same in any population.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
import torch
from torch import Tensor

from popnet.core.cell import Cell, Params

CODES = {
    "tanh": 0,
    "relu": 1,
    "one_plus_tanh": 2,
    "rectified_tanh": 3,
    "softplus": 4,
}
# "nnan" and "ninf" are left out: a diverged network must look diverged
_FAST = {"contract", "nsz", "arcp", "afn"}
_options: dict[str, Any] = {
    "fastmath": _FAST,
    "error_model": "numpy",
    "cache": True,
    "nogil": True,
}


class Factors(NamedTuple):
    """As ``rules.reward_hebbian.Factors``."""

    post_PTN: Tensor
    pre_PTN: Tensor
    r_PTN: Tensor
    xbar_PN: Tensor


@numba.njit(inline="always", **_options)
def _tanh(x: Any) -> Any:
    """Rational approximation, error below 4e-7; coefficients as in Eigen's tanh."""
    limit = np.float32(7.90531110763549805)
    # in this order a NaN stays NaN
    x = limit if x > limit else x
    x = -limit if x < -limit else x
    s = x * x
    p = np.float32(-2.76076847742355e-16)
    p = p * s + np.float32(2.00018790482477e-13)
    p = p * s + np.float32(-8.60467152213735e-11)
    p = p * s + np.float32(5.12229709037114e-08)
    p = p * s + np.float32(1.48572235717979e-05)
    p = p * s + np.float32(6.37261928875436e-04)
    p = p * s + np.float32(4.89352455891786e-03)
    q = np.float32(1.19825839466702e-06)
    q = q * s + np.float32(1.18534705686654e-04)
    q = q * s + np.float32(2.26843463243900e-03)
    q = q * s + np.float32(4.89352518554385e-03)
    return x * p / q


@numba.njit(**_options)
def _rates(code: int, x: Any, slope: Any, threshold: Any, r: Any) -> None:
    zero, one = np.float32(0), np.float32(1)
    if code == 0:
        for i in range(x.shape[0]):
            r[i] = _tanh(slope[i] * (x[i] - threshold[i]))
    elif code == 1:
        for i in range(x.shape[0]):
            z = slope[i] * (x[i] - threshold[i])
            r[i] = zero if z < zero else z
    elif code == 2:
        for i in range(x.shape[0]):
            r[i] = one + _tanh(slope[i] * (x[i] - threshold[i]))
    elif code == 3:
        for i in range(x.shape[0]):
            z = _tanh(slope[i] * (x[i] - threshold[i]))
            r[i] = zero if z < zero else z
    else:
        for i in range(x.shape[0]):
            z = slope[i] * (x[i] - threshold[i])
            top = zero if z < zero else z
            r[i] = top + np.log1p(np.exp(-abs(z)))


@numba.njit(**_options)
def _recurrent(wt: Any, r: Any, total: Any) -> None:
    """total += W r, columns of W (rows of wt) eight at a time."""
    n = r.shape[0]
    whole = n // 8 * 8
    for j in range(0, whole, 8):
        r0, r1, r2, r3 = r[j], r[j + 1], r[j + 2], r[j + 3]
        r4, r5, r6, r7 = r[j + 4], r[j + 5], r[j + 6], r[j + 7]
        for i in range(n):
            a = total[i] + r0 * wt[j, i] + r1 * wt[j + 1, i]
            a = a + r2 * wt[j + 2, i] + r3 * wt[j + 3, i]
            a = a + r4 * wt[j + 4, i] + r5 * wt[j + 5, i]
            total[i] = a + r6 * wt[j + 6, i] + r7 * wt[j + 7, i]
    for j in range(whole, n):
        rj = r[j]
        for i in range(n):
            total[i] += rj * wt[j, i]


@numba.njit(**_options)
def _forward(
    wt: Any, drive: Any, a: Any, slope: Any, threshold: Any, units: Any, values: Any,
    code: int, x: Any, xs: Any, rs: Any,
) -> None:  # fmt: skip
    """xs[t] = x(t+1), rs[t] = r(t) with rs[0] the initial rates."""
    total = np.empty_like(x)
    for k in range(units.shape[0]):
        x[units[k]] = values[k]
    _rates(code, x, slope, threshold, rs[0])
    for t in range(drive.shape[0]):
        total[:] = drive[t]
        _recurrent(wt, rs[t], total)
        for i in range(x.shape[0]):
            x[i] = x[i] + a[i] * (total[i] - x[i])
        for k in range(units.shape[0]):
            x[units[k]] = values[k]
        xs[t] = x
        _rates(code, x, slope, threshold, rs[t + 1])


@numba.njit(**_options)
def _factors(
    xs: Any, rs: Any, xbar: Any, decay: Any, skip: int, cube: bool, post: Any, pre: Any
) -> None:
    keep = np.float32(1) - decay
    for t in range(xs.shape[0]):
        for i in range(xs.shape[1]):
            d = xs[t, i] - xbar[i]
            xbar[i] = decay * xbar[i] + keep * xs[t, i]
            r = rs[t, i]
            post[t, i] = d * d * d if cube else d * abs(d)
            pre[t, i] = r * r * r if cube else r * abs(r)
    post[:skip] = 0


def trace_factors(
    params: Params,
    cell: Cell,
    drive_PTN: Tensor,
    x0_PN: Tensor,
    xbar_PN: Tensor,
    decay_P: Tensor,
    skip_steps: int,
    trace: str,
) -> Factors:
    """The factors of the trace of one trial, as the torch function of this name."""
    networks, steps, units = drive_PTN.shape
    xs = torch.empty(networks, steps, units)
    rs = torch.empty(networks, steps + 1, units)
    post, pre = torch.empty_like(xs), torch.empty_like(xs)
    xbar, x = xbar_PN.clone(), x0_PN.clone()
    wt = params.w_PNN.mT.contiguous()
    a_PN = cell.dt_s / params.tau_PN
    clamped = np.array([unit for unit, _ in cell.clamped], dtype=np.int64)
    values = np.array([value for _, value in cell.clamped], dtype=np.float32)
    code, cube = CODES[cell.nonlinearity], trace == "cube"
    for p in range(networks):
        _forward(
            wt[p].numpy(), drive_PTN[p].contiguous().numpy(), a_PN[p].numpy(),
            params.slope_PN[p].numpy(), params.threshold_PN[p].numpy(),
            clamped, values, code, x[p].numpy(), xs[p].numpy(), rs[p].numpy(),
        )  # fmt: skip
        _factors(
            xs[p].numpy(), rs[p].numpy(), xbar[p].numpy(),
            np.float32(decay_P[p].item()), skip_steps, cube,
            post[p].numpy(), pre[p].numpy(),
        )  # fmt: skip
    return Factors(post, pre, rs[:, 1:], xbar)
