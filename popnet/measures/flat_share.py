"""Share of the directions in weight space along which the loss is flat."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from popnet.analysis.lanczos import share_below
from popnet.measures._hessian import HessianSettings, hessian_spectrum
from popnet.measures._seen import NetworkSeen


class FlatShare(HessianSettings):
    """Share of the loss's directions that are flat beside the steepest, no unit."""

    summary: ClassVar[str] = "share of weight space along which the loss is flat"
    label: ClassVar[str] = "flat directions\n(share)"
    form: ClassVar[str] = ".3f"
    range: ClassVar[tuple[float, float]] = (0, 1)
    name: Literal["flat_share"] = "flat_share"  # type: ignore[assignment]
    mu: Annotated[
        float, Field(gt=0, lt=1, description="flat: |l| below mu times the largest l")
    ] = 1e-3


def flat_share(settings: FlatShare, seen: NetworkSeen) -> float:
    """The share of eigenvalues of the loss's Hessian with |l| < mu l_1, no unit.

    Huang et al. (2026).  Exact with up to ``exact_up_to`` weights.  Else by stochastic
    Lanczos quadrature, which cannot tell apart what lies close to 0: with the default
    100 steps within 0.02 at mu of 1e-4 or more for a spectrum like that of the
    published flip-flop, and of no use at 1e-6 (``tests/analysis/test_lanczos.py``).
    NaN where nothing was trained, or where no direction rises.
    """
    spectrum = hessian_spectrum(settings, seen)
    if spectrum is None:
        return float("nan")
    return float(share_below(spectrum, [settings.mu])[0])
