"""Stability of fixed points, from the eigenvalues of one time step's derivative.

    A = I + (dt / tau) df/dx,   a deviation grows along v where A v = l v, |l| > 1

tau is each unit's own.  A point is stable if no |l| is above 1; simulation with small
deviations agrees (the tests hold it to that), while a test that lets large ones decay
for a while calls saddles stable.  F points, U free units.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MARGINAL = 1e-3
"""Growth or decay per time constant below which a direction counts as neither."""
LINE_SLOW, LINE_GAP, LINE_POINTS = 0.1, 5.0, 5
"""A line attractor has at least so many points; along it change takes ten time
constants or more, and across it at most a fifth of that time."""
ALIGNED = 0.9
"""Least |cosine| between the slow direction of a point and the way to its neighbour."""


class Stability(NamedTuple):
    """How small deviations from F fixed points grow or decay."""

    eigenvalues_FU: NDArray[np.complex128]
    """Eigenvalues of the map of one time step, the largest modulus first."""
    index_F: NDArray[np.int64]
    """Number of unstable directions: eigenvalues of modulus above 1."""
    margin_F: Array
    """The largest modulus less 1: negative where the point is stable."""
    marginal_F: NDArray[np.bool_]
    """Some direction changes by less than 1 / 1,000 per time constant, either way."""


def stability(tangent_FUU: Array, step: float) -> Stability:
    """Of points with these derivatives of one time step of ``step`` = dt / mean tau."""
    values_FU = np.linalg.eigvals(tangent_FUU).astype(np.complex128)
    order_FU = np.argsort(-np.abs(values_FU), axis=1, kind="stable")
    values_FU = np.take_along_axis(values_FU, order_FU, axis=1)
    modulus_FU = np.abs(values_FU)
    per_tau_FU = np.log(np.maximum(modulus_FU, 1e-300)) / step
    return Stability(
        values_FU,
        (modulus_FU > 1).sum(axis=1),
        modulus_FU[:, 0] - 1,
        np.asarray((np.abs(per_tau_FU) < MARGINAL).any(axis=1)),
    )


def time_scales_s(eigenvalues_FU: NDArray[np.complex128], dt_s: float) -> Array:
    """|dt / log |l||: the time in which a deviation changes by a factor e, seconds."""
    with np.errstate(divide="ignore"):
        return np.abs(dt_s / np.log(np.abs(eigenvalues_FU)))


def slow_directions(tangent_FUU: Array) -> Array:
    """The right eigenvector of the eigenvalue nearest to 1 at each point, length 1.

    Its real part, where it is one of a pair.
    """
    values_FU, vectors_FUU = np.linalg.eig(tangent_FUU)
    nearest_F = np.argmin(np.abs(values_FU - 1), axis=1)
    chosen_FU = np.real(vectors_FUU[np.arange(len(nearest_F)), :, nearest_F])
    return chosen_FU / np.linalg.norm(chosen_FU, axis=1, keepdims=True)


def is_line_attractor(x_FU: Array, tangent_FUU: Array, step: float) -> bool:
    """Whether roots and slow points lie along a line on which the network hardly moves.

    At least five points; at each one direction is slow (|log |l|| < 0.1 per time
    constant) and all others decay at least five times as fast; and the way from each
    point to its nearest neighbour is along its slow direction (median |cosine| above
    0.9).  After Mante et al., Nature 2013;503:78; the numbers are popnet's.
    """
    if len(x_FU) < LINE_POINTS or x_FU.shape[1] < 2:
        return False
    modulus_FU = -np.sort(-np.abs(np.linalg.eigvals(tangent_FUU)), axis=1)
    rate_FU = np.log(np.maximum(modulus_FU, 1e-300)) / step
    slow_F = np.abs(rate_FU[:, 0]) < LINE_SLOW
    gap_F = rate_FU[:, 1] < -LINE_GAP * np.maximum(np.abs(rate_FU[:, 0]), MARGINAL)
    if not (slow_F & gap_F).all():
        return False
    way_FFU = x_FU[None] - x_FU[:, None]
    apart_FF = np.linalg.norm(way_FFU, axis=2)
    np.fill_diagonal(apart_FF, np.inf)
    nearest_F = apart_FF.argmin(axis=1)
    places = np.arange(len(x_FU))
    way_FU = way_FFU[places, nearest_F] / apart_FF[places, nearest_F][:, None]
    cosine_F = np.abs((way_FU * slow_directions(tangent_FUU)).sum(axis=1))
    return bool(np.median(cosine_F) > ALIGNED)
