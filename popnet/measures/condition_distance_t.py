"""Distance between the activities of different trial types, over the trial."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.activity import distance_between_types_T
from popnet.config import MeasureSettings, Observed
from popnet.measures._seen import ActivitySeen


class ConditionDistanceOverTime(MeasureSettings):
    """Distance between the trial types' activities at each time, no unit."""

    reference: ClassVar[str] = "popnet"
    summary: ClassVar[str] = "distance between trial types, over the time of a trial"
    needs: ClassVar[Observed] = "activity"
    over_time: ClassVar[bool] = True
    label: ClassVar[str] = "distance between\ntrial types"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "rotation", "shift", "time step"}
    )
    always: ClassVar[bool] = True
    name: Literal["condition_distance_t"] = "condition_distance_t"  # type: ignore[assignment]


def condition_distance_t(
    settings: ConditionDistanceOverTime, seen: ActivitySeen
) -> NDArray[np.float64]:
    """The mean over pairs of types of |r_a(t) - r_b(t)| / sqrt(N), [T]."""
    return distance_between_types_T(seen.rates_KTN)
