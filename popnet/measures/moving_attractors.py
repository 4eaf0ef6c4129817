"""How often a network at constant input never comes to rest."""

from __future__ import annotations

from typing import ClassVar, Literal

from popnet.measures._rest import UNSEEN, MotionMeasure, attractors_of
from popnet.measures._seen import NetworkSeen


class MovingAttractorShare(MotionMeasure):
    """Share of long runs at rest inputs that never come to rest."""

    summary: ClassVar[str] = "share of long runs at rest inputs that never come to rest"
    label: ClassVar[str] = "share that\nnever rests"
    note: ClassVar[str] = (
        "Moving attractors: runs that end in a cycle, a torus or chaos."
    )
    form: ClassVar[str] = ".2f"
    range: ClassVar[tuple[float, float]] = (0, 1)
    invariances: ClassVar[frozenset[str]] = UNSEEN | {"time step"}
    name: Literal["moving_attractors"] = "moving_attractors"  # type: ignore[assignment]


def moving_attractors(settings: MovingAttractorShare, seen: NetworkSeen) -> float:
    """Share of the runs from all starts at all rest inputs that do not end at a point.

    A cycle, a torus, chaos: at a constant input and without noise, after 100 time
    constants.  No unit.
    """
    found = attractors_of(settings, seen)
    if found is None:
        return float("nan")
    ends = [one for at in found for one in at]
    moving = sum(one.starts for one in ends if one.motion != "point")
    return moving / sum(one.starts for one in ends)
