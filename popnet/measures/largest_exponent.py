"""How fast two nearby states of a network part, or come together."""

from __future__ import annotations

from typing import ClassVar, Literal

from popnet.measures._rest import UNSEEN, RestMeasure, spectrum_of
from popnet.measures._seen import NetworkSeen


class LargestExponent(RestMeasure):
    """Largest Lyapunov exponent at the first rest input."""

    reference: ClassVar[str] = "Benettin et al. 1980, Meccanica 15, 9"
    summary: ClassVar[str] = "largest Lyapunov exponent at the first rest input"
    unit: ClassVar[str] = "1/s"
    label: ClassVar[str] = "largest Lyapunov\nexponent (1/s)"
    note: ClassVar[str] = (
        "Largest exponent: of the attractor at rest; above 0 it is chaos."
    )
    form: ClassVar[str] = ".3g"
    range: ClassVar[tuple[float, float]] = (-float("inf"), float("inf"))
    invariances: ClassVar[frozenset[str]] = UNSEEN
    name: Literal["largest_exponent"] = "largest_exponent"  # type: ignore[assignment]


def largest_exponent(settings: LargestExponent, seen: NetworkSeen) -> float:
    """l_1 = lim log |dx(t)| / t, 1/s.

    Along the attractor that the middle of the task's states leads to.
    """
    found_C = spectrum_of(seen, 1)
    return float("nan") if found_C is None else float(found_C[0])
