"""Learning curves for MLflow: points, each with a name and a trial number."""

import math
from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from popnet.analysis.learning_curves import population_curve

THIN_POINTS = 10


class Point(NamedTuple):
    """One point of a curve."""

    name: str
    step: int
    value: float


def population_points(curves: pd.DataFrame, keys: Iterable[str]) -> list[Point]:
    """Return median and quartiles over networks at every trial number in the curves."""
    chosen = curves[curves["key"].isin(list(keys))] if len(curves) else curves
    points = []
    for column in ("error", "accuracy") if len(chosen) else ():
        for band, series in population_curve(chosen, column).items():
            points += _points(f"curve_{column}_{band}", series.items())
    return _by_step(points)


def thin(curve: pd.DataFrame | None) -> list[Point]:
    """Return at most ``THIN_POINTS`` points of a curve, the last one included."""
    if curve is None:
        return []
    points = []
    for column in ("error", "accuracy"):
        pairs = zip(curve["trial"], curve[column], strict=True)
        known = sorted(_points(f"curve_{column}", pairs))
        rows = np.linspace(0, len(known) - 1, min(len(known), THIN_POINTS))
        points += [known[row] for row in rows.round().astype(int)]
    return _by_step(points)


def _points(name: str, pairs: Iterable[tuple[Hashable, Any]]) -> list[Point]:
    return [
        Point(name, int(str(step)), float(value))
        for step, value in pairs
        if math.isfinite(value)
    ]


def _by_step(points: list[Point]) -> list[Point]:
    return sorted(points, key=lambda point: (point.step, point.name))
