"""How many stable fixed points a network has at the rest inputs of its task."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from popnet.measures._rest import UNSEEN, PointsMeasure, points_of
from popnet.measures._seen import NetworkSeen


class StableFixedPointCount(PointsMeasure):
    """Stable fixed points of the trained network, per rest input."""

    summary: ClassVar[str] = (
        "stable fixed points of the trained network, per rest input"
    )
    label: ClassVar[str] = "number of\nstable fixed points"
    note: ClassVar[str] = (
        "Stable fixed points: roots from which every small deviation decays."
    )
    form: ClassVar[str] = ".2f"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = UNSEEN | {"time step"}
    name: Literal["stable_fixed_points"] = "stable_fixed_points"  # type: ignore[assignment]


def stable_fixed_points(settings: StableFixedPointCount, seen: NetworkSeen) -> float:
    """Mean over rest inputs of the number of roots without an unstable direction.

    All eigenvalues of one time step, I + (dt / tau) df/dx, are of modulus 1 or less.
    """
    found = points_of(settings, seen)
    if found is None:
        return float("nan")
    return float(np.mean([at.stable_F.sum() for at in found]))
