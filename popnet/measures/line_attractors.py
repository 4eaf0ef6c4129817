"""At how many of its rest inputs a network has a line attractor."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from popnet.measures._rest import UNSEEN, PointsMeasure, points_of
from popnet.measures._seen import NetworkSeen


class LineAttractorShare(PointsMeasure):
    """Share of rest inputs at which slow points form a line."""

    reference: ClassVar[str] = "Mante et al. 2013, Nature 503, 78"
    summary: ClassVar[str] = "share of rest inputs at which slow points form a line"
    label: ClassVar[str] = "share with\na line attractor"
    note: ClassVar[str] = (
        "Line attractors: rest inputs at which slow points form a line."
    )
    form: ClassVar[str] = ".2f"
    range: ClassVar[tuple[float, float]] = (0, 1)
    invariances: ClassVar[frozenset[str]] = UNSEEN | {"time step"}
    name: Literal["line_attractors"] = "line_attractors"  # type: ignore[assignment]


def line_attractors(settings: LineAttractorShare, seen: NetworkSeen) -> float:
    """Share of rest inputs at which points lie along a line of slow change, no unit."""
    found = points_of(settings, seen)
    if found is None:
        return float("nan")
    return float(np.mean([at.line_attractor for at in found]))
