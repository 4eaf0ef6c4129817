"""How differently two networks answer the same trials."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from popnet.config import MetricSettings
from popnet.metrics.subject import Subject


class Behaviour(MetricSettings):
    """Root mean square difference of outputs in the scored windows, no unit.

    A metric: zero for equal outputs, symmetric, triangle inequality.  Changed by a
    shift or scaling of one network's outputs; not by a relabelling of hidden units.
    """

    reference: ClassVar[str] = "popnet; output-level form of Huang et al. 2025, sec. 3"
    summary: ClassVar[str] = "how differently two networks answer the same trials"
    name: Literal["behaviour"] = "behaviour"  # type: ignore[assignment]


def behaviour_distance(settings: Behaviour, one: Subject, other: Subject) -> float:
    """sqrt(mean over trials and scored steps of (o_a - o_b)^2)."""
    if one.response.shape != other.response.shape:
        return float("nan")
    difference: NDArray[np.float64] = one.response.astype(np.float64) - other.response
    return float(np.sqrt(np.mean(difference**2)))
