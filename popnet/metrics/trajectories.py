"""Distance between the trajectories of two networks on the same trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from popnet.analysis.activity import procrustes_distance
from popnet.config import Compared, MetricSettings
from popnet.metrics._pairs import Prepared, one_by_one, turned_units
from popnet.metrics._subject import Subject


class Trajectories(MetricSettings):
    """Angle between two networks' mean activities, radians in [0, pi / 2].

    A metric on activities [types, time, units] up to rotation, reflection, shift and
    scale: so unchanged by a relabelling of hidden units, and by any order of the steps
    that both share.  NaN unless the activity of both is kept.
    """

    reference: ClassVar[str] = "Williams et al. 2021, NeurIPS (angular Procrustes)"
    summary: ClassVar[str] = "how differently two networks' activity moves"
    range: ClassVar[tuple[float, float]] = (0, float(np.pi / 2))
    precision: ClassVar[float] = 1e-7  # an arccos near 1 tells no smaller angles apart
    needs: ClassVar[Compared] = ("activity",)
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "rotation", "shift", "scale", "common reordering"}
    )
    triangle: ClassVar[bool] = True
    name: Literal["trajectories"] = "trajectories"  # type: ignore[assignment]
    untrained: Annotated[
        bool, Field(description="compare the networks as they were drawn: the null")
    ] = False
    shuffled: Annotated[
        bool,
        Field(
            description="turn each unit's activity in a circle of its own over types "
            "and time: the null of units that do not act together"
        ),
    ] = False


def mean_activity(settings: Trajectories, subject: Subject) -> dict[str, NDArray[Any]]:
    """The mean rates [K, T, N] that are compared."""
    kept = subject.untrained_KTN if settings.untrained else subject.trained_KTN
    assert kept is not None
    return {"rates_KTN": turned_units(kept) if settings.shuffled else kept}


def trajectory_distance(
    settings: Trajectories, a: Sequence[Prepared], b: Sequence[Prepared]
) -> NDArray[np.float64]:
    """The angle of each pair; NaN where an activity does not vary."""
    return one_by_one(_angle, a, b)


def _angle(one: Prepared, other: Prepared) -> float:
    a, b = one["rates_KTN"], other["rates_KTN"]
    if a.sum() < b.sum():  # one order for both directions: exactly symmetric
        a, b = b, a
    return procrustes_distance(a, b)
