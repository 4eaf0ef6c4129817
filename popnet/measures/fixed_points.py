"""How many fixed points a network has at the rest inputs of its task."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from popnet.measures._rest import UNSEEN, PointsMeasure, points_of
from popnet.measures._seen import NetworkSeen


class FixedPointCount(PointsMeasure):
    """Fixed points of the trained network, per rest input."""

    summary: ClassVar[str] = "fixed points of the trained network, per rest input"
    label: ClassVar[str] = "number of\nfixed points"
    note: ClassVar[str] = (
        "Fixed points: roots at the task's rest inputs, stable or not."
    )
    form: ClassVar[str] = ".2f"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = UNSEEN | {"time step"}
    name: Literal["fixed_points"] = "fixed_points"  # type: ignore[assignment]


def fixed_points(settings: FixedPointCount, seen: NetworkSeen) -> float:
    """Mean over rest inputs of the number of distinct roots of f(x) = 0, no unit.

    A lower bound: a root that no start leads to is not counted.
    """
    found = points_of(settings, seen)
    if found is None:
        return float("nan")
    return float(np.mean([(at.kind_F == "root").sum() for at in found]))
