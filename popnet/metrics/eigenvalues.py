"""Distance between the eigenvalues of two networks' linear dynamics.

R rank, M pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.operator_alignment import eigenvalue_distance
from popnet.metrics._linear_dynamics import LinearDynamicsSettings, filled_up, fits
from popnet.metrics._pairs import Prepared
from popnet.metrics._subject import Subject


class Eigenvalues(LinearDynamicsSettings):
    """Wasserstein distance W2 of the eigenvalues of two networks' operators.

        sqrt(min over assignments of the mean of |a_i - b_p(i)|^2)

    a and b are the R eigenvalues of the operators that carry whitened, delay-embedded
    rates from one step to the next, as complex numbers per step.  Blind to everything
    but time constants and frequencies, and a matter of a millisecond: a screening
    before a search for rotations.  NaN where activity does not vary.
    """

    reference: ClassVar[str] = "Redman et al. 2024, NeurIPS"
    summary: ClassVar[str] = "how different two networks' time scales are"
    triangle: ClassVar[bool] = True
    name: Literal["eigenvalues"] = "eigenvalues"  # type: ignore[assignment]


def spectra(settings: Eigenvalues, subject: Subject) -> dict[str, NDArray[Any]]:
    """Real and imaginary parts of the eigenvalues, [R, 2], and the fit's error."""
    made: dict[str, NDArray[Any]] = {}
    found = fits(settings, subject)
    for name, fit in zip(("eigenvalues_R2", "again_R2"), found, strict=False):
        made[name] = filled_up(_parts(fit.operator_RR), settings.rank, 2)
    return made | {"heldout_error": np.array([fit.heldout_error for fit in found])}


def _parts(operator_RR: NDArray[np.float64]) -> NDArray[np.float64]:
    if not np.isfinite(operator_RR).all():
        return np.full((1, 2), np.nan)
    values_R = np.asarray(np.linalg.eigvals(operator_RR), np.complex128)
    return np.stack([values_R.real, values_R.imag], 1).astype(np.float64)


def spectral_distance(
    settings: Eigenvalues, a: Sequence[Prepared], b: Sequence[Prepared]
) -> NDArray[np.float64]:
    """The distance of each pair; NaN where a network has no eigenvalues."""
    other = "again_R2" if settings.again else "eigenvalues_R2"
    found = [
        _apart(one["eigenvalues_R2"], two[other]) for one, two in zip(a, b, strict=True)
    ]
    return np.array(found, np.float64)


def _apart(a_R2: NDArray[np.float64], b_R2: NDArray[np.float64]) -> float:
    if not (np.isfinite(a_R2).all() and np.isfinite(b_R2).all()):
        return float("nan")
    return eigenvalue_distance(a_R2 @ (1, 1j), b_R2 @ (1, 1j))
