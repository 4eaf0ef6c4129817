"""Multidimensional scaling: points in a plane whose distances are those of networks.

P networks, D dimensions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def classical_scaling(distance_PP: ArrayLike, dimensions: int = 2) -> Array:
    """Points [P, D] in the unit of the distances, centred, by falling variance.

        B = -1/2 C (d^2) C,  C = I - 1 1' / P,  points = V sqrt(max(L, 0))

    L, V the largest eigenvalues of B and their vectors.  Exact where the distances are
    those of points in D dimensions.  Signs are such that each axis has its largest
    coordinate positive.  Torgerson, Psychometrika 1952;17:401.
    """
    square = np.asarray(distance_PP, dtype=np.float64) ** 2
    if not np.isfinite(square).all():
        return np.full((len(square), dimensions), np.nan)
    rows, columns = square.mean(0, keepdims=True), square.mean(1, keepdims=True)
    inner = -(square - rows - columns + square.mean()) / 2
    value_P, vector_PP = np.linalg.eigh((inner + inner.T) / 2)
    some = slice(None, -dimensions - 1, -1)
    axes_PD = vector_PP[:, some] * np.sqrt(np.maximum(value_P[some], 0))
    # more dimensions than networks
    axes_PD = np.pad(axes_PD, ((0, 0), (0, dimensions - axes_PD.shape[1])))
    largest_D = np.abs(axes_PD).argmax(axis=0)
    turned_D = np.where(axes_PD[largest_D, np.arange(dimensions)] < 0, -1.0, 1.0)
    return axes_PD * turned_D


class Scaling(NamedTuple):
    """Points, and how far their distances are from those asked for."""

    points_PD: Array
    stress: float
    """sqrt(sum (|p_i - p_j| - d_ij)^2 / sum d_ij^2), no unit; Kruskal 1964."""
    steps: int
    """Steps taken."""


def stress_scaling(
    distance_PP: ArrayLike,
    dimensions: int = 2,
    start_PD: ArrayLike | None = None,
    most_steps: int = 300,
    tolerance: float = 1e-6,
) -> Scaling:
    """The points of least stress, by majorisation (SMACOF), from classical scaling.

        p <- B(p) p / P,  B_ij = -d_ij / |p_i - p_j| (i != j),  B_ii = -sum_j B_ij

    Stress never rises; it ends when a step lowers it by less than ``tolerance`` times
    itself, or after ``most_steps``.  de Leeuw & Heiser 1980; Borg & Groenen,
    Modern Multidimensional Scaling, 2005, ch. 8.
    """
    distance = np.asarray(distance_PP, dtype=np.float64)
    points = classical_scaling(distance, dimensions) if start_PD is None else None
    points = np.asarray(start_PD if points is None else points, dtype=np.float64)
    stress = stress_of(points, distance)
    for step in range(1, most_steps + 1):
        apart = _apart(points)
        # two points at one place pull at each other in no direction
        pull = -np.divide(distance, apart, out=np.zeros_like(apart), where=apart > 0)
        np.fill_diagonal(pull, 0)
        np.fill_diagonal(pull, -pull.sum(axis=1))
        points = pull @ points / len(points)
        before, stress = stress, stress_of(points, distance)
        if not before - stress > tolerance * before:
            return Scaling(points, stress, step)
    return Scaling(points, stress, most_steps)


def stress_of(points_PD: ArrayLike, distance_PP: ArrayLike) -> float:
    """sqrt(sum (|p_i - p_j| - d_ij)^2 / sum d_ij^2), no unit; NaN without distances."""
    distance = np.asarray(distance_PP, dtype=np.float64)
    apart = _apart(np.asarray(points_PD, dtype=np.float64))
    size = float((distance**2).sum())
    return float(np.sqrt(((apart - distance) ** 2).sum() / size)) if size else np.nan


def _apart(points_PD: Array) -> Array:
    """Euclidean distances between points."""
    return np.linalg.norm(points_PD[:, None] - points_PD[None], axis=2)
