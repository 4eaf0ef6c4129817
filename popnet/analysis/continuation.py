"""Fixed points followed through a parameter: where they appear, vanish, turn unstable.

    f(x, p) = 0,   the next point a step ds along the curve's tangent (x', p'):
    f(x, p) = 0 and x0' (x - x0) + p0' (p - p0) = ds,     by Newton's method

Pseudo-arclength continuation, Keller 1977; Kuznetsov, Elements of Applied Bifurcation
Theory, 3rd ed., section 10.2.  N units, K points of the branch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Function = Callable[[Array, float], Array]
Event = Literal["saddle-node", "hopf", "flip", "branch point"]
NEWTON, EXACT = 12, 1e-11
EDGE = 1e-9
"""The farthest that p may lie beyond its limits."""
HALVINGS = 40
"""Bisections of a step in which something happens."""
ON_AXIS = 1e-6
"""An eigenvalue with a smaller imaginary part is real: no Hopf point."""


class Problem(NamedTuple):
    """f, its derivatives by x and p, and the derivative of the map x(t) -> x(t+1)."""

    velocity: Function
    by_x: Function
    by_p: Function
    tangent: Function


class Bifurcation(NamedTuple):
    """A point of the branch at which its stability changes, or at which it turns."""

    event: Event
    x_N: Array
    p: float


class Branch(NamedTuple):
    """Fixed points along a curve, and what happens on it."""

    x_KN: Array
    p_K: Array
    index_K: NDArray[np.int64]
    """Number of unstable directions of the map."""
    bifurcations: tuple[Bifurcation, ...]


class _At(NamedTuple):
    z_M: Array
    """x and then p."""
    way_M: Array
    """Tangent of the curve, of length 1."""


def follow(
    problem: Problem,
    x_N: Array,
    p: float,
    ds: float,
    most: int,
    low: float,
    high: float,
) -> Branch:
    """The branch through a root at p, towards larger p first, while low <= p <= high.

    ``ds``: way between points, in the length of (x, p); negative: towards smaller p.
    At most ``most`` points; it ends sooner where Newton's method fails.
    """
    towards_M = np.append(np.zeros(len(x_N)), np.sign(ds))
    here = _corrected(problem, _At(np.append(x_N, p), towards_M), 0.0)
    kept, events = [], []
    low, high = low - EDGE, high + EDGE  # a root at the edge is corrected to beside it
    while here is not None and len(kept) < most and low <= here.z_M[-1] <= high:
        kept.append(here)
        after = _corrected(problem, here, abs(ds))
        if after is not None:
            events += _events(problem, here, after, abs(ds))
        here = after
    x_KN = np.array([at.z_M[:-1] for at in kept]).reshape(-1, len(x_N))
    index_K = [int((np.abs(_values(problem, at)) > 1).sum()) for at in kept]
    p_K = np.array([at.z_M[-1] for at in kept])
    return Branch(x_KN, p_K, np.array(index_K, dtype=np.int64), tuple(events))


def _corrected(problem: Problem, here: _At, ds: float) -> _At | None:
    """The point ds further along, and the tangent there; None where Newton fails."""
    z_M = here.z_M + ds * here.way_M
    for _ in range(NEWTON):
        x_N, p = z_M[:-1], float(z_M[-1])
        gap = here.way_M @ (z_M - here.z_M) - ds
        right_M = -np.append(problem.velocity(x_N, p), gap)
        square_MM = _square(problem, z_M, here.way_M)
        if not np.isfinite(right_M).all():
            return None
        z_M = z_M + np.linalg.lstsq(square_MM, right_M)[0]
        if np.linalg.norm(right_M) < EXACT:
            last_M = np.append(np.zeros(len(x_N)), 1.0)
            square_MM = _square(problem, z_M, here.way_M)
            way_M = np.linalg.lstsq(square_MM, last_M)[0]
            return _At(z_M, way_M / np.linalg.norm(way_M))
    return None


def _square(problem: Problem, z_M: Array, way_M: Array) -> Array:
    x_N, p = z_M[:-1], float(z_M[-1])
    wide_NM = np.column_stack([problem.by_x(x_N, p), problem.by_p(x_N, p)])
    return np.vstack([wide_NM, way_M])


def _values(problem: Problem, at: _At) -> NDArray[np.complex128]:
    tangent_NN = problem.tangent(at.z_M[:-1], float(at.z_M[-1]))
    return np.linalg.eigvals(tangent_NN).astype(np.complex128)


def _events(problem: Problem, here: _At, after: _At, ds: float) -> list[Bifurcation]:
    """Turns of the curve between two points, and eigenvalues that cross |l| = 1."""
    turns = here.way_M[-1] * after.way_M[-1] < 0
    unstable = [int((np.abs(_values(problem, at)) > 1).sum()) for at in (here, after)]
    if turns:
        at = _bisected(problem, here, ds, lambda a: a.way_M[-1] * here.way_M[-1] < 0)
        return [Bifurcation("saddle-node", at.z_M[:-1], float(at.z_M[-1]))]
    if unstable[0] == unstable[1]:
        return []

    def changed(a: _At) -> bool:
        return int((np.abs(_values(problem, a)) > 1).sum()) != unstable[0]

    at = _bisected(problem, here, ds, changed)
    values_N = _values(problem, at)
    critical = values_N[np.argmin(np.abs(np.abs(values_N) - 1))]
    event: Event = "branch point" if critical.real > 0 else "flip"
    if abs(critical.imag) > ON_AXIS:
        event = "hopf"
    return [Bifurcation(event, at.z_M[:-1], float(at.z_M[-1]))]


def _bisected(
    problem: Problem, here: _At, ds: float, over: Callable[[_At], bool]
) -> _At:
    """The first point after ``here``, within ds, at which ``over`` holds."""
    low, high, found = 0.0, ds, here
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        at = _corrected(problem, here, middle)
        if at is None:
            break
        found = at
        low, high = (low, middle) if over(at) else (middle, high)
    return found
