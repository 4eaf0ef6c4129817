"""Largest curvature of the loss."""

from __future__ import annotations

from typing import ClassVar, Literal

from popnet.measures._hessian import HessianSettings, hessian_spectrum
from popnet.measures._seen import NetworkSeen


class HessianTop(HessianSettings):
    """Largest curvature of the loss, in its unit per squared weight."""

    summary: ClassVar[str] = "largest eigenvalue of the loss's Hessian at the solution"
    label: ClassVar[str] = "largest curvature\nof the loss"
    form: ClassVar[str] = ".3g"
    range: ClassVar[tuple[float, float]] = (-float("inf"), float("inf"))
    name: Literal["hessian_top"] = "hessian_top"  # type: ignore[assignment]


def hessian_top(settings: HessianTop, seen: NetworkSeen) -> float:
    """l_1, the largest eigenvalue of the loss's Hessian, loss per squared weight.

    Exact with up to ``exact_up_to`` weights, else by Lanczos with every vector made
    orthogonal to all before it: never above l_1, and within rounding of it as soon as
    l_1 stands out.  NaN where nothing was trained.
    """
    spectrum = hessian_spectrum(settings, seen)
    return float("nan") if spectrum is None else spectrum.top
