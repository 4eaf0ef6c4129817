"""How long a network remembers at its stable points, to first order."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from popnet.analysis.stability import time_scales_s
from popnet.measures._rest import UNSEEN, PointsMeasure, points_of
from popnet.measures._seen import NetworkSeen


class SlowestDirection(PointsMeasure):
    """Time constant of the slowest direction at the stable fixed points."""

    summary: ClassVar[str] = "time constant of the slowest direction at stable points"
    unit: ClassVar[str] = "s"
    label: ClassVar[str] = "slowest direction\nat rest (s)"
    note: ClassVar[str] = "Slowest direction: of the map linearised at stable points."
    log: ClassVar[bool] = True
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = UNSEEN
    name: Literal["slowest_s"] = "slowest_s"  # type: ignore[assignment]


def slowest_s(settings: SlowestDirection, seen: NetworkSeen) -> float:
    """-dt / log |l|, of the largest eigenvalue of I + (dt / tau) df/dx, in seconds.

    The median over all stable fixed points at all rest inputs; NaN where none is found.
    """
    found = points_of(settings, seen)
    if found is None:
        return float("nan")
    slowest_F = [
        time_scales_s(values_U[:1], seen.cell.dt_s)[0]
        for at in found
        for values_U in at.eigenvalues_FU[at.stable_F]
    ]
    return float(np.median(slowest_F)) if slowest_F else float("nan")
