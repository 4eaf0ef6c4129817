"""The dimension of the attractor that a network goes to at rest."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from popnet.analysis.lyapunov import kaplan_yorke_dimension
from popnet.analysis.recurrence import ZERO
from popnet.measures._rest import UNSEEN, RestMeasure, spectrum_of
from popnet.measures._seen import NetworkSeen

FIRST = 8
"""Exponents that are computed first; as often as their sum is positive, twice as many.
"""


class AttractorDimension(RestMeasure):
    """Kaplan-Yorke dimension of the attractor at the first rest input."""

    reference: ClassVar[str] = "Kaplan & Yorke 1979, Lect. Notes Math. 730, 204"
    summary: ClassVar[str] = (
        "Kaplan-Yorke dimension of the attractor at the first rest input"
    )
    label: ClassVar[str] = "Kaplan-Yorke\ndimension"
    note: ClassVar[str] = (
        "Attractor dimension: 0 for a point, 1 for a cycle, more for chaos."
    )
    form: ClassVar[str] = ".2f"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = UNSEEN | {"time step"}
    name: Literal["attractor_dimension"] = "attractor_dimension"  # type: ignore[assignment]


def attractor_dimension(settings: AttractorDimension, seen: NetworkSeen) -> float:
    """D = j + (l_1 + ... + l_j) / |l_(j+1)|, of Lyapunov exponents l, no unit."""
    count = FIRST
    while True:
        found_C = spectrum_of(seen, count)
        if found_C is None:
            return float("nan")
        # a cycle has an exponent of 0, which comes out a little above or below it
        per_tau_C = found_C * float(seen.final.tau_PN.mean())
        exact_C = np.where(np.abs(per_tau_C) <= ZERO, 0.0, per_tau_C)
        found = kaplan_yorke_dimension(exact_C)
        if found == found or len(found_C) < count or np.isnan(found_C[0]):
            return found
        count *= 2
