"""The spectral radius of the recurrent weights."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from popnet.config import MeasureSettings, Observed
from popnet.measures._seen import WeightsSeen


class SpectralRadius(MeasureSettings):
    """Largest modulus of the eigenvalues of the recurrent weights after training."""

    reference: ClassVar[str] = "Sompolinsky et al. 1988, Phys. Rev. Lett. 61, 259"
    summary: ClassVar[str] = "largest modulus of the eigenvalues of the final weights"
    needs: ClassVar[Observed] = "weights"
    label: ClassVar[str] = "spectral radius\nof J"
    note: ClassVar[str] = "Spectral radius: of the final weights."
    form: ClassVar[str] = ".3f"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "sign", "transposition"}
    )
    always: ClassVar[bool] = True
    listed: ClassVar[bool] = True
    name: Literal["spectral_radius"] = "spectral_radius"  # type: ignore[assignment]


def spectral_radius(settings: SpectralRadius, seen: WeightsSeen) -> float:
    """max |l| over the eigenvalues l of the final recurrent weights, no unit."""
    return float(np.abs(np.linalg.eigvals(seen.final_NN.astype(np.float64))).max())
