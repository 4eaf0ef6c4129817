"""Laws of heterogeneous parameters as quantile functions.

Every unit keeps its uniform number u whatever the law's spread, so that a network's
units keep their ranks when heterogeneity grows: levels of one network are paired.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

from popnet.config import Spread
from popnet.config.truncated_laws import Truncated, fitted

Array = NDArray[np.float64]


def draw_spread(law: Spread, u_N: Array, low: float | None = None) -> Array:
    """Values of a parameter at the uniform numbers ``u_N``, in the mean's unit.

    ``low`` is the floor that the time step asks of time constants, 2 dt.  The group's
    law is clipped there; normal, lognormal and gamma laws are truncated there, unless
    they have a ``low`` of their own, and their mean and ``spread`` are those of the
    truncated law.
    """
    if not law.heterogeneous:
        return np.full_like(u_N, law.mean)
    if law.law in ("uniform", "mittal_narayanan"):
        bottom, top = law.span
        return np.maximum(
            bottom + (top - bottom) * u_N, -np.inf if low is None else low
        )
    return quantiles(fitted(law.law, law.mean, law.sd, *law.bounds(low)), u_N)


def quantiles(law: Truncated, u_N: Array) -> Array:
    """Inverse of the distribution function of a truncated law."""
    bounds = law.low, law.high
    if law.law == "normal":
        return np.clip(_normal(law, bounds, u_N), *bounds)
    if law.law == "lognormal":
        logs = [math.log(b) if b > 0 else -math.inf for b in bounds]
        return np.clip(np.exp(_normal(law, (logs[0], logs[1]), u_N)), *bounds)
    return np.clip(_gamma(law, u_N), *bounds)


def _normal(law: Truncated, bounds: tuple[float, float], u_N: Array) -> Array:
    """mu + sigma z, with z from the tail that the bounds lie in."""
    low, high = ((b - law.location) / law.shape for b in bounds)
    if low > 0:
        f_low, f_high = special.ndtr(-high), special.ndtr(-low)
        return law.location - law.shape * special.ndtri(f_high + u_N * (f_low - f_high))
    f_low, f_high = special.ndtr(low), special.ndtr(high)
    return law.location + law.shape * special.ndtri(f_low + u_N * (f_high - f_low))


def _gamma(law: Truncated, u_N: Array) -> Array:
    """theta times the quantile of the gamma law with shape k, from its nearer tail."""
    k, theta = law.shape**-2, math.exp(law.location)
    low, high = law.low / theta, law.high / theta
    if special.gammainc(k, low) > 0.5:
        q_low, q_high = special.gammaincc(k, low), special.gammaincc(k, high)
        return theta * special.gammainccinv(k, q_low + u_N * (q_high - q_low))
    p_low, p_high = special.gammainc(k, low), special.gammainc(k, high)
    return theta * special.gammaincinv(k, p_low + u_N * (p_high - p_low))
