"""Distance between the activities of different trial types."""

from __future__ import annotations

from typing import ClassVar, Literal

from popnet.analysis.activity import distance_between_types_T
from popnet.config import MeasureSettings, Observed
from popnet.measures._seen import ActivitySeen


class ConditionDistance(MeasureSettings):
    """Mean distance between the trial types' activities, no unit."""

    reference: ClassVar[str] = "popnet"
    summary: ClassVar[str] = "how far the activities of different trial types lie apart"
    needs: ClassVar[Observed] = "activity"
    label: ClassVar[str] = "distance between\ntrial types"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "rotation", "shift", "reordering", "time step"}
    )
    always: ClassVar[bool] = True
    name: Literal["condition_distance"] = "condition_distance"  # type: ignore[assignment]


def condition_distance(settings: ConditionDistance, seen: ActivitySeen) -> float:
    """The mean over time of the mean over pairs of types of |r_a - r_b| / sqrt(N)."""
    return float(distance_between_types_T(seen.rates_KTN).mean())
