"""Size of a perturbation by what it does to activity, trial by trial."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from popnet.analysis.activity import centred, finite_or_nan
from popnet.config import MeasureSettings, Observed
from popnet.measures._seen import TrialsSeen


class ActivityChange(MeasureSettings):
    """Root mean square change of rates, relative to their own deviations."""

    reference: ClassVar[str] = "popnet"
    summary: ClassVar[str] = "r.m.s. change of rates, relative to their own deviations"
    needs: ClassVar[Observed] = "trials"
    label: ClassVar[str] = "change of activity,\nrelative"
    note: ClassVar[str] = (
        "Changes of activity are compared trial by trial, on the same trials and noise."
    )
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "rotation", "shift", "scale", "reordering", "time step"}
    )
    always: ClassVar[bool] = True
    name: Literal["activity_change"] = "activity_change"  # type: ignore[assignment]


def activity_change(settings: ActivityChange, seen: TrialsSeen) -> float:
    """Root mean square change of rates, in their own standard deviations at rest.

        sqrt(mean_bti (r'_bti - r_bti)^2) / sqrt(mean_bti (r_bti - mean_bt r_bti)^2)

    with r the rates at rest and r' those under the perturbation, in the same trials b.
    In contrast to ``trajectory_change``, which compares means over trials, it counts
    what differs from trial to trial, as the effects of random states and impulses do.
    sqrt(2) for unrelated activity of equal mean and spread.  NaN for unequal shapes and
    where the activity at rest does not vary.
    """
    known_BTN = finite_or_nan(seen.rest_BTN)
    other_BTN = finite_or_nan(seen.rates_BTN)
    if known_BTN.shape != other_BTN.shape:
        return float("nan")
    deviation = float(np.linalg.norm(centred(known_BTN)))
    moved = float(np.linalg.norm(other_BTN - known_BTN))
    return moved / deviation if deviation > 0 else float("nan")
