"""Alignment of activity before and after training."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from popnet.analysis.activity import centred, finite_or_nan
from popnet.config import MeasureSettings, Observed
from popnet.measures._seen import ChangeSeen


class RepresentationAlignment(MeasureSettings):
    """Likeness of activity to that of the trained network at rest, no unit.

    In the rows of state ``untrained`` it is that of the network as drawn and as
    trained: the less alike the two, the richer the learning.
    """

    reference: ClassVar[str] = "popnet; linear CKA after Kornblith et al. 2019"
    summary: ClassVar[str] = "linear CKA with the trained network at rest"
    needs: ClassVar[Observed] = "change"
    label: ClassVar[str] = "representation\nalignment (CKA)"
    range: ClassVar[tuple[float, float]] = (0, 1)
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "rotation", "shift", "scale", "reordering", "time step"}
    )
    name: Literal["representation_alignment"] = "representation_alignment"  # type: ignore[assignment]


def representation_alignment(
    settings: RepresentationAlignment, seen: ChangeSeen
) -> float:
    """Linear CKA of two activities, in [0, 1], no unit; 1 where they are rotations.

        |X' Y|_F^2 / (|X' X|_F |Y' Y|_F)     X, Y: [K * T, N], less column means

    Kornblith et al. (2019).  X: the trained network at rest, Y: the other activity.
    NaN for unequal types or steps and where one of the two does not vary.
    """
    rest_KTN = finite_or_nan(seen.rest_KTN)
    other_KTN = finite_or_nan(seen.rates_KTN)
    if rest_KTN.shape[:2] != other_KTN.shape[:2]:
        return float("nan")
    x_SN, y_SN = centred(rest_KTN), centred(other_KTN)
    size = float(np.linalg.norm(x_SN.T @ x_SN) * np.linalg.norm(y_SN.T @ y_SN))
    if not size > 0:
        return float("nan")
    # rounding may lead past 1 for two equal activities
    return min(1.0, float((x_SN.T @ y_SN).ravel() @ (x_SN.T @ y_SN).ravel()) / size)
