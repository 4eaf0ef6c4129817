"""Dynamical similarity analysis: distance between the linear dynamics of two networks.

R rank, M pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from popnet import kernels
from popnet.analysis.operator_alignment import alignment_bound, angle_of
from popnet.metrics._linear_dynamics import LinearDynamicsSettings, filled_up, fits
from popnet.metrics._pairs import Certified, Prepared
from popnet.metrics._subject import Subject


class DSA(LinearDynamicsSettings):
    """Distance of two networks' operators, of norm 1, under the best rotation.

        min over C in O(R) of the angle between A and C B C'    (or ||A - C B C'||_F)

    A and B carry delay-embedded rates, in R whitened coordinates, from one step to the
    next (``analysis.delay_embedding``).  The minimum is found by a search from many
    starts: its value may be too high, and is certified by a bound that no rotation can
    pass and the number of starts that ended at the value.  Inputs are not looked at.
    Networks of different sizes compare.  NaN where activity does not vary.
    """

    reference: ClassVar[str] = "Ostrow et al. 2023, NeurIPS (DSA)"
    summary: ClassVar[str] = "how differently two networks' activity evolves"
    range: ClassVar[tuple[float, float]] = (0, float(np.pi))
    triangle: ClassVar[bool] = True
    certified: ClassVar[bool] = True
    name: Literal["dsa"] = "dsa"  # type: ignore[assignment]
    score: Annotated[
        Literal["angular", "euclidean"],
        Field(description="an angle in radians, or a Frobenius norm from 0 to 2"),
    ] = "angular"
    starts: Annotated[
        int, Field(ge=1, le=10_000, description="starts of the search for the rotation")
    ] = 48


def unit_operators(settings: DSA, subject: Subject) -> dict[str, NDArray[Any]]:
    """The operator of norm 1, [R, R], with ``again`` of each half of the trials.

    Beside it stands the error of the fit in the trials that were held out.
    """
    made: dict[str, NDArray[Any]] = {}
    found = fits(settings, subject)
    for name, fit in zip(("operator_RR", "again_RR"), found, strict=False):
        norm = np.linalg.norm(fit.operator_RR)
        unit_RR = fit.operator_RR / (norm if norm > 0 else np.nan)
        made[name] = filled_up(unit_RR, settings.rank, settings.rank)
    return made | {"heldout_error": np.array([fit.heldout_error for fit in found])}


def operator_distance(
    settings: DSA, a: Sequence[Prepared], b: Sequence[Prepared]
) -> Certified:
    """The certified distance of each pair; NaN where a network has no operator."""
    other = "again_RR" if settings.again else "operator_RR"
    found = [
        _aligned(one["operator_RR"], two[other], settings.starts)
        for one, two in zip(a, b, strict=True)
    ]
    value_M, bound_M, starts_M = (
        np.array(column) for column in zip(*found, strict=True)
    )
    if settings.score == "angular":
        value_M, bound_M = angle_of(value_M), angle_of(bound_M)
    return Certified(value_M, bound_M, starts_M.astype(np.int64))


def _aligned(
    a_RR: NDArray[np.float64], b_RR: NDArray[np.float64], starts: int
) -> tuple[float, float, int]:
    if not (np.isfinite(a_RR).all() and np.isfinite(b_RR).all()):
        return float("nan"), float("nan"), 0
    found = kernels.align_operators(a_RR, b_RR, starts)
    return found.distance, alignment_bound(a_RR, b_RR), found.reached
