"""Distance between the outputs of two networks on the same trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from popnet.config import Compared, MetricSettings
from popnet.metrics._pairs import Prepared, one_by_one
from popnet.metrics._subject import Subject


class Behaviour(MetricSettings):
    """Root mean square difference of outputs in the scored windows, no unit.

    A metric: zero for equal outputs, symmetric, triangle inequality.  Changed by a
    shift or scaling of one network's outputs; not by a relabelling of hidden units.
    """

    reference: ClassVar[str] = "popnet; output-level form of Huang et al. 2025, sec. 3"
    summary: ClassVar[str] = "how differently two networks answer the same trials"
    needs: ClassVar[Compared] = ("response",)
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"common reordering", "common shift"}
    )
    triangle: ClassVar[bool] = True
    name: Literal["behaviour"] = "behaviour"  # type: ignore[assignment]


def scored_response(settings: Behaviour, subject: Subject) -> dict[str, NDArray[Any]]:
    """The outputs o in the scored windows of common trials."""
    assert subject.response is not None
    return {"response": subject.response}


def behaviour_distance(
    settings: Behaviour, a: Sequence[Prepared], b: Sequence[Prepared]
) -> NDArray[np.float64]:
    """sqrt(mean over trials and scored steps of (o_a - o_b)^2) of each pair."""
    return one_by_one(_distance, a, b)


def _distance(one: Prepared, other: Prepared) -> float:
    o_a, o_b = one["response"], other["response"]
    if o_a.shape != o_b.shape:
        return float("nan")
    difference: NDArray[np.float64] = o_a.astype(np.float64) - o_b
    return float(np.sqrt(np.mean(difference**2)))
