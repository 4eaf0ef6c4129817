"""Speed of the trajectory of activity."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from popnet.analysis.activity import finite_or_nan
from popnet.config import MeasureSettings, Observed
from popnet.measures._seen import ActivitySeen


class Speed(MeasureSettings):
    """Mean speed of the units' rates, in 1/s."""

    reference: ClassVar[str] = "popnet"
    summary: ClassVar[str] = "how fast the activity moves"
    needs: ClassVar[Observed] = "activity"
    unit: ClassVar[str] = "1/s"
    label: ClassVar[str] = "speed of the\ntrajectory (1/s)"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "rotation", "shift"}
    )
    always: ClassVar[bool] = True
    name: Literal["speed"] = "speed"  # type: ignore[assignment]


def speed(settings: Speed, seen: ActivitySeen) -> float:
    """Speed of activity, 1/s: the mean over types and steps of

        sqrt(mean over units of ((r(t + dt) - r(t)) / dt)^2)

    0 for constant activity; NaN for a single step.
    """
    moved_KTN = np.diff(finite_or_nan(seen.rates_KTN), axis=1)
    if moved_KTN.size == 0:
        return float("nan")
    return float(np.sqrt(np.mean(moved_KTN**2, axis=2)).mean() / seen.dt_s)
