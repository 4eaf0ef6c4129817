"""Parameters of truncated laws whose values have a given mean and standard deviation.

Truncation moves both moments, so the location and the shape of the law are solved for.
With y = x (normal) or y = ln x (lognormal, gamma) each law has a log-density g(y) that
is concave between the bounds:

    normal, lognormal  g = -(y - mu)^2 / (2 sigma^2)    location mu, shape sigma
    gamma              g = k (y - t) - e^(y - t)        location t = ln theta, shape
                                                        1 / sqrt(k)

For each shape one location has the mean; along these pairs the standard deviation
grows with the shape, to that of the widest law (for a normal law with a lower bound,
an exponential one).  Moments are integrals by Gauss and Legendre's rule, good to 1e-12.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TAIL = 25.0
"""How far, in standard deviations, a bound may lie out in a law's tail: beyond it the
law is an exponential or a power law, and its quantiles lose their digits."""
WIDEST_GAMMA = 2.5
"""The largest coefficient of variation of a gamma law without a lower bound: values of
a wider one are 0 in single precision."""
WIDEST = 3.0
"""The largest coefficient of variation of a lognormal law: of a wider one the mean and
the deviation hang on values that no network is large enough to draw."""
WIDEST_SHAPE = 8.0
PANELS, NODES = 32, 20


class Truncated(NamedTuple):
    """A law between two bounds, in the unit of its values; infinite where it is open.

    ``location`` and ``shape`` are those of the log-density above.
    """

    law: str
    location: float
    shape: float
    low: float
    high: float


class _Family(NamedTuple):
    """Laws of one form between two bounds, in the variable y, with this mean of x."""

    law: str
    mean: float
    low: float
    high: float


@lru_cache(maxsize=4096)
def fitted(law: str, mean: float, sd: float, low: float, high: float) -> Truncated:
    """Return the truncated law whose values have this mean and standard deviation.

    ``sd`` is at most ``widest(law, mean, low, high)``.
    """
    exact = _untruncated(law, mean, sd, low, high)
    if exact is not None:
        return exact
    family, unit = _scaled(law, mean, low, high)
    shape, most = _edge(family)
    if sd / unit < most * (1 - 1e-12):
        shape = _shape(family, sd / unit, shape)
    location = _location(family, shape)
    assert location is not None, "a shape below the widest has a location"
    return _unscaled(family, unit, mean, location, shape, low, high)


@lru_cache(maxsize=4096)
def widest(law: str, mean: float, low: float, high: float) -> float:
    """Return the largest standard deviation that values with this mean can have."""
    if law == "gamma" and low <= 0 and math.isinf(high):
        return WIDEST_GAMMA * mean
    if law == "normal" and math.isinf(low) and math.isinf(high):
        return math.inf
    if not low < mean < high:
        return 0.0
    if law == "lognormal" and low <= 0 and math.isinf(high):
        return WIDEST * mean
    family, unit = _scaled(law, mean, low, high)
    most = math.inf if law == "normal" else WIDEST
    return unit * min(_edge(family)[1], most)


def _untruncated(
    law: str, mean: float, sd: float, low: float, high: float
) -> Truncated | None:
    """Return the law in closed form where it has no bounds; else None."""
    if not math.isinf(high) or (low > 0 if law != "normal" else not math.isinf(low)):
        return None
    if law == "normal":
        return Truncated(law, mean, sd, low, high)
    cv = sd / mean
    if law == "gamma":
        return Truncated(law, math.log(mean * cv**2), cv, low, high)
    sigma = math.sqrt(math.log1p(cv**2))
    return Truncated(law, math.log(mean) - sigma**2 / 2, sigma, low, high)


def _scaled(law: str, mean: float, low: float, high: float) -> tuple[_Family, float]:
    """Return the family in units that make its numbers near 1, and the unit of x."""
    if law == "normal":
        unit = max(abs(b - mean) for b in (low, high) if math.isfinite(b))
        return _Family(law, 0.0, (low - mean) / unit, (high - mean) / unit), unit
    bottom = math.log(low / mean) if low > 0 else -math.inf
    return _Family(law, 1.0, bottom, math.log(high / mean)), mean


def _unscaled(
    family: _Family,
    unit: float,
    mean: float,
    location: float,
    shape: float,
    low: float,
    high: float,
) -> Truncated:
    if family.law == "normal":
        return Truncated("normal", mean + unit * location, unit * shape, low, high)
    return Truncated(family.law, math.log(unit) + location, shape, low, high)


def _shape_of(law: str, sd: float) -> float:
    """Return the shape of the untruncated law with mean 1 (normal: 0) and this sd."""
    return math.sqrt(math.log1p(sd**2)) if law == "lognormal" else sd


def _shape(family: _Family, sd: float, edge: float) -> float:
    """Return the shape at which the law has the standard deviation."""

    def off(shape: float) -> float:
        return _sd(family, shape) / sd - 1

    # truncation makes a law narrower: the shape is at least that of one without bounds
    least = 0.25 * _shape_of(family.law, sd)
    return _root(off, least, edge)


def _sd(family: _Family, shape: float) -> float:
    location = _location(family, shape)
    assert location is not None, "a shape below the widest has a location"
    return _moments(family, location, shape)[1]


def _location(family: _Family, shape: float) -> float | None:
    """Return the location at which the law has the mean; None where there is none."""
    first, last = _locations(family, shape)

    def off(location: float) -> float:
        return _moments(family, location, shape)[0] - family.mean

    if off(first) > 0 or off(last) < 0:
        return None
    return _root(off, first, last)


def _root(off: Callable[[float], float], low: float, high: float) -> float:
    """Return where a rising function is 0, by Brent's method."""
    from scipy.optimize import root_scalar

    found = root_scalar(
        off, bracket=(low, high), method="brentq", xtol=1e-15, rtol=1e-14
    )
    return float(found.root)


def _locations(family: _Family, shape: float) -> tuple[float, float]:
    """Return the least and the greatest location that are tried at a shape.

    Without its upper bound a law has a smaller mean, without its lower one a larger.
    """
    if family.law == "gamma":
        k = shape**-2
        free = -math.log(k)
        # the lower bound is e^(low - t) scales up, where the density falls by as much
        first = family.low - math.log(k + TAIL * max(TAIL, math.sqrt(k)))
        last = family.high - math.log(k) + math.log1p(TAIL * shape)
    else:
        free = family.mean if family.law == "normal" else -(shape**2) / 2
        first, last = family.low - TAIL * shape, family.high + TAIL * shape
    slack = 1e-9 * max(1.0, abs(free))
    first = max(first, free - slack) if math.isinf(family.low) else first
    last = min(last, free + slack) if math.isinf(family.high) else last
    return min(first, last), last


@lru_cache(maxsize=4096)
def _edge(family: _Family) -> tuple[float, float]:
    """Return the largest shape that has a location, and its standard deviation."""
    inside, outside = 1e-6, WIDEST_SHAPE
    if family.law == "normal":
        outside = TAIL
    if _location(family, outside) is not None:
        return outside, _sd(family, outside)
    for _ in range(50):
        middle = math.sqrt(inside * outside)
        if _location(family, middle) is None:
            outside = middle
        else:
            inside = middle
    return inside, _sd(family, inside)


def _moments(family: _Family, location: float, shape: float) -> tuple[float, float]:
    """Return mean and standard deviation of x under a law of the family."""
    y, weights = _grid(family, location, shape)
    if family.law == "gamma":
        density = shape**-2 * (y - location) - np.exp(y - location)
    else:
        density = -((y - location) ** 2) / (2 * shape**2)
    mass = weights * np.exp(density - density.max())
    mass /= mass.sum()
    x = y if family.law == "normal" else np.exp(y)
    mean = float(mass @ x)
    return mean, math.sqrt(float(mass @ (x - mean) ** 2))


def _grid(family: _Family, location: float, shape: float) -> tuple[Array, Array]:
    """Return nodes and weights where the density or its second moment is not nothing.

    Both are log-concave: the range is that around their modes, between the bounds.
    """
    if family.law == "gamma":
        k = shape**-2
        below = 45 / k + math.sqrt(135 / k)
        bottom = min(location + math.log(k), family.high) - below
        top = location + math.log(k + 2 + 10 * math.sqrt(k + 2) + 45)
    else:
        shift = 2 * shape**2 if family.law == "lognormal" else 0.0
        bottom, top = location - 9 * shape, location + shift + 9 * shape
    bottom, top = _around(family, bottom, top, location, shape)
    ends = np.linspace(bottom, top, PANELS + 1)
    half = np.diff(ends) / 2
    nodes, weights = _legendre()
    y = (ends[:-1] + half)[:, None] + half[:, None] * nodes
    return y.ravel(), (half[:, None] * weights).ravel()


def _around(
    family: _Family, bottom: float, top: float, location: float, shape: float
) -> tuple[float, float]:
    """Return the range between the bounds; in a tail, where the density is."""
    low, high = family.low, family.high
    if family.law != "gamma":
        # from a bound in the tail the density falls by e in shape^2 / distance
        if low > location:
            reach = 80 * shape / (1 + (low - location) / shape)
            shift = 2 * shape**2 if family.law == "lognormal" else 0.0
            top = min(top, max(low, location + shift) + min(reach, 9 * shape))
            top = max(top, low + min(reach, 9 * shape))
        if high < location:
            reach = 80 * shape / (1 + (location - high) / shape)
            bottom = high - min(reach, 9 * shape)
    else:
        top = max(top, math.log(math.exp(low) + 45 * math.exp(location)))
    return max(low, min(bottom, high)), min(high, max(top, low))


@lru_cache(maxsize=1)
def _legendre() -> tuple[Array, Array]:
    return np.polynomial.legendre.leggauss(NODES)
