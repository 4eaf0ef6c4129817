"""Firing rates and their slopes, compiled: phi of ``core.cell``, by number."""

from __future__ import annotations

from typing import Any

import numpy as np

from popnet.kernels.compiling import compiled, inlined

CODES = {
    "tanh": 0,
    "relu": 1,
    "one_plus_tanh": 2,
    "rectified_tanh": 3,
    "softplus": 4,
}


@inlined
def tanh(x: Any) -> Any:
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


@compiled
def rates(code: int, x: Any, slope: Any, threshold: Any, r: Any) -> None:
    """r[:N] = phi(slope (x - threshold)), one row of N units."""
    zero, one = np.float32(0), np.float32(1)
    if code == 0:
        for i in range(x.shape[0]):
            r[i] = tanh(slope[i] * (x[i] - threshold[i]))
    elif code == 1:
        for i in range(x.shape[0]):
            z = slope[i] * (x[i] - threshold[i])
            r[i] = zero if z < zero else z
    elif code == 2:
        for i in range(x.shape[0]):
            r[i] = one + tanh(slope[i] * (x[i] - threshold[i]))
    elif code == 3:
        for i in range(x.shape[0]):
            z = tanh(slope[i] * (x[i] - threshold[i]))
            r[i] = zero if z < zero else z
    else:
        for i in range(x.shape[0]):
            z = slope[i] * (x[i] - threshold[i])
            top = zero if z < zero else z
            r[i] = top + np.log1p(np.exp(-abs(z)))


@compiled
def slopes(code: int, r: Any, d: Any) -> None:
    """d = phi', from the rate r = phi(z) alone; 0 at the corner of a rectifier."""
    zero, one = np.float32(0), np.float32(1)
    if code == 0:
        for i in range(d.shape[0]):
            d[i] = one - r[i] * r[i]
    elif code == 1:
        for i in range(d.shape[0]):
            d[i] = one if r[i] > zero else zero
    elif code == 2:
        for i in range(d.shape[0]):
            z = r[i] - one
            d[i] = one - z * z
    elif code == 3:
        for i in range(d.shape[0]):
            d[i] = one - r[i] * r[i] if r[i] > zero else zero
    else:
        for i in range(d.shape[0]):
            d[i] = one - np.exp(-r[i])
