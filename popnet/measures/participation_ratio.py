"""Effective number of directions that activity fills."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from popnet.analysis.activity import variances
from popnet.config import MeasureSettings, Observed
from popnet.measures._seen import ActivitySeen


class ParticipationRatio(MeasureSettings):
    """Effective number of dimensions of mean activity, no unit."""

    reference: ClassVar[str] = "Gao et al. 2017, bioRxiv 214262, dimension D"
    summary: ClassVar[str] = "effective number of dimensions of the activity"
    needs: ClassVar[Observed] = "activity"
    label: ClassVar[str] = "participation\nratio"
    range: ClassVar[tuple[float, float]] = (1, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "rotation", "shift", "scale", "reordering", "time step"}
    )
    always: ClassVar[bool] = True
    name: Literal["participation_ratio"] = "participation_ratio"  # type: ignore[assignment]


def participation_ratio(settings: ParticipationRatio, seen: ActivitySeen) -> float:
    """(sum_i l_i)^2 / sum_i l_i^2 of the units' covariance over K * T samples, no unit.

    1 where activity moves along one line, d where it fills d directions alike; at most
    N.  NaN without variance.  Gao et al., bioRxiv 214262 (2017), their dimension D.
    """
    variance_N = variances(seen.rates_KTN)
    if not variance_N.sum() > 0:
        return float("nan")
    return float(variance_N.sum() ** 2 / np.sum(variance_N**2))
