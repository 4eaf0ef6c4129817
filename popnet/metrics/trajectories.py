"""How differently the activity of two networks moves through the same trials."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from popnet.analysis.activity import procrustes_distance
from popnet.config import MetricSettings
from popnet.metrics.subject import Subject


class Trajectories(MetricSettings):
    """Angle between two networks' mean activities, radians in [0, pi / 2].

    A metric on activities [types, time, units] up to rotation, reflection, shift and
    scale: so unchanged by a relabelling of hidden units, and by any order of the steps
    that both share.  NaN unless the activity of both is kept.
    """

    reference: ClassVar[str] = "Williams et al. 2021, NeurIPS (angular Procrustes)"
    summary: ClassVar[str] = "how differently two networks' activity moves"
    of_activity: ClassVar[bool] = True
    name: Literal["trajectories"] = "trajectories"  # type: ignore[assignment]
    untrained: Annotated[
        bool, Field(description="compare the networks as they were drawn: the null")
    ] = False


def trajectory_distance(settings: Trajectories, one: Subject, other: Subject) -> float:
    """The angle; NaN where an activity is not kept, or does not vary."""
    a, b = (
        s.untrained_trajectory_KSN if settings.untrained else s.trajectory_KSN
        for s in (one, other)
    )
    if a is None or b is None:
        return float("nan")
    if a.sum() < b.sum():  # one order for both directions: exactly symmetric
        a, b = b, a
    return procrustes_distance(a, b)
