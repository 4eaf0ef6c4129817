"""How a network selects evidence by context: line attractors and selection vectors.

Near a fixed point, where dx/dt = J x for small x, an input acts through the left
eigenvector of the slowest direction and stays along the right one: the selection vector
and the line attractor of Mante, Sussillo, Shenoy & Newsome, Nature 2013;503:78.

N units, C contexts, M inputs, F fixed points.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]


class LineAttractor(NamedTuple):
    """The slowest direction of a fixed point; all NaN where that is an oscillation."""

    rate: float
    """Its eigenvalue, in the unit of J, usually 1/s: 0 on a line of fixed points."""
    next_rate: float
    """Largest real part of all other eigenvalues, in the same unit."""
    line_N: Array
    """Right eigenvector of length 1, no unit: where the line attractor leads."""
    selection_N: Array
    """Left eigenvector with selection . line = 1, no unit: the selection vector."""


def line_attractor(
    jacobian_NN: ArrayLike, outward_N: ArrayLike | None = None
) -> LineAttractor:
    """The slowest direction of a fixed point with this Jacobian.

        J line = rate line,  selection' J = rate selection',  selection . line = 1

    of the eigenvalue of largest real part.  The line points the way in which the output
    rises, ``outward . line >= 0``, where readout weights are given, else the way in
    which its largest element is positive.
    """
    jacobian = np.asarray(jacobian_NN, dtype=np.float64)
    count = len(jacobian)
    nothing = np.full(count, np.nan)
    if not np.isfinite(jacobian).all():
        return LineAttractor(np.nan, np.nan, nothing, nothing)
    value_N, right_NN = _eigen(jacobian)
    order = np.argsort(-value_N.real, kind="stable")
    rate = value_N[order[0]]
    next_rate = float(value_N[order[1]].real) if count > 1 else -np.inf
    if rate.imag != 0:
        return LineAttractor(np.nan, next_rate, nothing, nothing)
    line = right_NN[:, order[0]].real
    line = line / np.linalg.norm(line)
    towards = line[np.abs(line).argmax()]
    if outward_N is not None:
        towards = float(np.asarray(outward_N, dtype=np.float64) @ line)
    line = -line if towards < 0 else line
    left = _left(jacobian, float(rate.real))
    return LineAttractor(float(rate.real), next_rate, line, left / (left @ line))


def _eigen(matrix_NN: Array) -> tuple[Complex, Complex]:
    """Eigenvalues [N] and, as columns, right eigenvectors [N, N]; always complex."""
    value_N, vector_NN = np.linalg.eig(matrix_NN)
    return np.asarray(value_N, np.complex128), np.asarray(vector_NN, np.complex128)


def _left(jacobian_NN: Array, rate: float) -> Array:
    """The left eigenvector of an eigenvalue."""
    value_N, left_NN = _eigen(jacobian_NN.T)
    return left_NN[:, np.abs(value_N - rate).argmin()].real


def integrated(selection_CN: ArrayLike, inputs_NM: ArrayLike) -> Array:
    """How far along its line each context moves for a unit pulse of each input, [C, M].

        selection_c . w_m

    in the unit of the input weights: after the pulse all but this part decays.
    """
    selection = np.asarray(selection_CN, dtype=np.float64)
    return selection @ np.asarray(inputs_NM, dtype=np.float64)


def selection_index(moved_CM: ArrayLike, attended_C: ArrayLike) -> Array:
    """How much of what a context integrates is the evidence it attends to, [C].

        |moved_c,attended| / sum_m |moved_c,m|

    In [0, 1], no unit: 1 where the other inputs are ignored, 1 / M without selection.
    NaN where nothing is integrated.  ``moved``: of ``integrated``, inputs of evidence.
    """
    size_CM = np.abs(np.asarray(moved_CM, dtype=np.float64))
    attended = np.asarray(attended_C)
    own_C, all_C = size_CM[np.arange(len(size_CM)), attended], size_CM.sum(axis=1)
    return np.divide(own_C, all_C, out=np.full(len(all_C), np.nan), where=all_C > 0)


def angle_between(one_N: ArrayLike, other_N: ArrayLike) -> float:
    """Angle between two lines, in radians in [0, pi / 2]; NaN for a vector of 0.

    By the lengths of the sum and the difference of unit vectors, exact at both ends.
    """
    one, other = (np.asarray(v, dtype=np.float64) for v in (one_N, other_N))
    sizes = np.linalg.norm(one), np.linalg.norm(other)
    if not (sizes[0] > 0 and sizes[1] > 0):
        return float("nan")
    one, other = one / sizes[0], other / sizes[1]
    whole = 2 * np.arctan2(np.linalg.norm(one - other), np.linalg.norm(one + other))
    return float(min(whole, np.pi - whole))


class Line(NamedTuple):
    """How F points, such as the slow points of one context, lie on a line."""

    direction_N: Array
    """Unit vector of their largest variance, no unit; its largest element positive."""
    straight: float
    """Share of their variance along it, in [0, 1]; 1 on a straight line."""
    length: float
    """From the first to the last point along it, in the unit of the points."""
    widest_gap: float
    """The widest gap between neighbours along it, as a share of the length: 1 / (F - 1)
    for equal gaps, near 1 for two clusters."""


def line_through(points_FN: ArrayLike) -> Line:
    """The line of largest variance through points; NaN for fewer than two of them."""
    points = np.asarray(points_FN, dtype=np.float64)
    nothing = np.full(points.shape[1], np.nan)
    if len(points) < 2 or not np.isfinite(points).all():
        return Line(nothing, np.nan, np.nan, np.nan)
    away = points - points.mean(axis=0)
    _, size, axes = np.linalg.svd(away, full_matrices=False)
    if not size[0] > 0:
        return Line(nothing, np.nan, 0.0, np.nan)
    direction = axes[0] * np.sign(axes[0][np.abs(axes[0]).argmax()])
    place_F = np.sort(away @ direction)
    length = float(place_F[-1] - place_F[0])
    widest = float(np.diff(place_F).max()) / length
    return Line(direction, float(size[0] ** 2 / (size**2).sum()), length, widest)
