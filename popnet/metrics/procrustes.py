"""Distance between the activity of two networks on the same trials, one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from popnet.analysis.activity import procrustes_distance
from popnet.metrics._pairs import Prepared
from popnet.metrics._samples import SampledSettings, forms, prepared_samples
from popnet.metrics._subject import Subject


class Procrustes(SampledSettings):
    """Angle between two networks' activity in single trials, radians in [0, pi / 2].

        arccos |X' Y|_*     X, Y [samples, units], columns centred, Frobenius norm 1

    A metric up to rotation, reflection, shift and scale.  ``trajectories`` takes the
    means over trials instead, which have no floor; this one has: ``again``.
    """

    kind: ClassVar[Literal["distance", "similarity"]] = "distance"
    reference: ClassVar[str] = "Williams et al. 2021, NeurIPS (angular Procrustes)"
    summary: ClassVar[str] = "how differently two networks' activity moves, by trial"
    range: ClassVar[tuple[float, float]] = (0, float(np.pi / 2))
    precision: ClassVar[float] = 1e-6  # an arccos near 1 tells no smaller angles apart
    triangle: ClassVar[bool] = True
    name: Literal["procrustes"] = "procrustes"  # type: ignore[assignment]


def sampled_activity(settings: Procrustes, subject: Subject) -> dict[str, NDArray[Any]]:
    """The rates [S, N] that are compared."""
    return prepared_samples(settings, subject, lambda x_SN: x_SN)


def procrustes_angle(
    settings: Procrustes, a: Sequence[Prepared], b: Sequence[Prepared]
) -> NDArray[np.float64]:
    """The angle of each pair; NaN where an activity does not vary."""
    pairs = zip(*forms(settings, a, b), strict=True)
    return np.array([_angle(one, other) for one, other in pairs], float)


def _angle(x_SN: NDArray[Any], y_SN: NDArray[Any]) -> float:
    if x_SN.sum() < y_SN.sum():  # one order for both directions: exactly symmetric
        x_SN, y_SN = y_SN, x_SN
    return procrustes_distance(x_SN[None], y_SN[None])
