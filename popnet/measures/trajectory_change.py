"""Distance of activity from that of the trained network at rest."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from popnet.analysis.activity import centred, finite_or_nan
from popnet.config import MeasureSettings, Observed
from popnet.measures._seen import ChangeSeen


class TrajectoryChange(MeasureSettings):
    """Change of activity in units of its own spread, no unit."""

    reference: ClassVar[str] = "popnet"
    summary: ClassVar[str] = "how far activity moves off, in units of its own spread"
    needs: ClassVar[Observed] = "change"
    label: ClassVar[str] = "change of the\ntrajectory"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "rotation", "shift", "scale", "reordering", "time step"}
    )
    always: ClassVar[bool] = True
    name: Literal["trajectory_change"] = "trajectory_change"  # type: ignore[assignment]


def trajectory_change(settings: TrajectoryChange, seen: ChangeSeen) -> float:
    """Distance of activity from rest, in units of its own spread, no unit.

        sqrt(mean (other - r)^2) / sqrt(mean (r - mean_kt r)^2)

    over types, steps and units, unit by unit: a relabelling of units of one of the two
    changes it.  About sqrt(2) for unrelated activity of equal mean and spread.  NaN for
    unequal shapes and where the activity at rest does not vary.
    """
    known_KTN = finite_or_nan(seen.rest_KTN)
    other_KTN = finite_or_nan(seen.rates_KTN)
    if known_KTN.shape != other_KTN.shape:
        return float("nan")
    spread = float(np.linalg.norm(centred(known_KTN)))
    moved = float(np.linalg.norm(other_KTN - known_KTN))
    return moved / spread if spread > 0 else float("nan")
