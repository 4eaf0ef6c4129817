"""Number of directions in which the loss is curved."""

from __future__ import annotations

from typing import ClassVar, Literal

from popnet.analysis.lanczos import participation
from popnet.measures._hessian import HessianSettings, hessian_spectrum
from popnet.measures._seen import NetworkSeen


class HessianParticipationRatio(HessianSettings):
    """Number of directions in which the loss is curved, no unit."""

    summary: ClassVar[str] = "directions in which the loss at the solution is curved"
    label: ClassVar[str] = "curved directions\n(participation ratio)"
    form: ClassVar[str] = ".1f"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    name: Literal["hessian_participation_ratio"] = "hessian_participation_ratio"  # type: ignore[assignment]


def hessian_participation_ratio(
    settings: HessianParticipationRatio, seen: NetworkSeen
) -> float:
    """(sum l)^2 / sum l^2 over the eigenvalues l of the loss's Hessian, no unit.

    Huang et al. (2026).  Exact with up to ``exact_up_to`` weights.  Else both sums are
    exact in the Krylov space of one start, and Hutchinson's in the rest; with the
    default settings the result is within 1 % for a spectrum like that of the published
    flip-flop (``tests/analysis/test_lanczos.py``).  NaN where nothing was trained.
    """
    spectrum = hessian_spectrum(settings, seen)
    return float("nan") if spectrum is None else participation(spectrum)
