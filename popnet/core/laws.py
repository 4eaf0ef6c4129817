"""Laws of heterogeneous parameters as quantile functions.

Every unit keeps its uniform number u whatever the law's spread, so that a network's
units keep their ranks when heterogeneity grows: levels of one network are paired.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from popnet.config import Spread

Array = NDArray[np.float64]
GROUP_FLOOR = 0.1
"""Mittal & Narayanan (2021), Table 1: degree 5 spans 1-20 around 10."""


def draw_spread(law: Spread, u_N: Array, low: float | None = None) -> Array:
    """Values of a parameter at the uniform numbers ``u_N``, in the mean's unit.

    ``low`` bounds laws that reach below it (twice the time step, for time constants)
    unless the law has its own ``low``; truncated laws are renormalised.  Slopes have
    no such floor: their normal law must give a ``low`` above 0 itself, and lognormal
    and gamma are above 0.
    """
    mean, spread = law.mean, law.spread
    if spread == 0:
        return np.full_like(u_N, mean)
    scale = abs(mean) if mean != 0 else 1.0
    if law.law == "uniform":
        return mean + scale * spread * (2 * u_N - 1)
    if law.law == "mittal_narayanan":
        bottom = max(1 - spread, GROUP_FLOOR) if mean != 0 else -spread
        top = 1 + spread if mean != 0 else spread
        return scale * (bottom + (top - bottom) * u_N) * (np.sign(mean) or 1.0)
    floor = law.low if law.low is not None else low
    lower = -np.inf if floor is None else floor
    upper = np.inf if law.high is None else law.high
    return _truncated(law.law, mean, spread, scale, (lower, upper), u_N)


def _truncated(
    law: str,
    mean: float,
    spread: float,
    scale: float,
    bounds: tuple[float, float],
    u_N: Array,
) -> Array:
    """Inverse of the distribution function between two bounds."""
    if law == "normal":
        sd = scale * spread
        f_low, f_high = (special.ndtr((b - mean) / sd) for b in bounds)
        inside = special.ndtri(f_low + u_N * (f_high - f_low))
        return np.clip(mean + sd * inside, *bounds)
    positive = (max(bounds[0], 0.0), bounds[1])
    if law == "lognormal":
        sigma = np.sqrt(np.log1p(spread**2))
        mu = np.log(mean) - sigma**2 / 2
        with np.errstate(divide="ignore"):
            f_low, f_high = (special.ndtr((np.log(b) - mu) / sigma) for b in positive)
        inside = special.ndtri(f_low + u_N * (f_high - f_low))
        return np.clip(np.exp(mu + sigma * inside), *positive)
    shape, unit = 1 / spread**2, mean * spread**2
    f_low, f_high = (special.gammainc(shape, b / unit) for b in positive)
    inside = special.gammaincinv(shape, f_low + u_N * (f_high - f_low))
    return np.clip(unit * inside, *positive)
