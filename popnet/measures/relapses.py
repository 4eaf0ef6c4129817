"""Number of times that a network lost what it had learned."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from popnet.config import MeasureSettings, Observed
from popnet.measures._error_blocks import error_blocks, mean_between
from popnet.measures._seen import CurveSeen

WINDOW = 100
"""Accuracy is followed over this many trailing trials, as the criterion is."""
MARGIN = 0.1
"""A relapse falls this far below the criterion: some 4 standard errors of a mean of
WINDOW trials at an accuracy of 0.95, so that no noise at the border is counted."""
_ROUNDING = 1e-9


class Relapses(MeasureSettings):
    """Number of relapses after the criterion.

    A count: it can only grow with the trials that followed.
    """

    reference: ClassVar[str] = "popnet; criterion of Miconi 2017, eLife 6:e20899"
    summary: ClassVar[str] = "how often a network lost what it had learned"
    needs: ClassVar[Observed] = "curve"
    label: ClassVar[str] = "relapses after\nthe criterion"
    form: ClassVar[str] = ".0f"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset({"shift", "scale"})
    name: Literal["relapses"] = "relapses"  # type: ignore[assignment]


def relapses(settings: Relapses, seen: CurveSeen) -> float:
    """The number of relapses; NaN where no trial followed the criterion.

    A relapse: the accuracy of the trailing WINDOW trials, looked at where blocks end,
    falls below the criterion - MARGIN.  Before the next is counted it must have been at
    the criterion again, so a slow crossing of the border counts once.  NaN for an error
    that is not finite (a network that diverged) and for an empty curve.
    """
    blocks = error_blocks(seen)
    if blocks is None or not blocks.followed or np.isnan(seen.criterion):
        return float("nan")
    looks = blocks.ends_C[blocks.ends_C > blocks.met]
    accuracy_C = np.asarray(seen.accuracy_C, float)
    before = np.maximum(0, looks - WINDOW)
    learned, count = True, 0
    for accuracy in mean_between(blocks.ends_C, accuracy_C, before, looks):
        if learned and accuracy < seen.criterion - MARGIN - _ROUNDING:
            learned, count = False, count + 1
        elif accuracy >= seen.criterion - _ROUNDING:
            learned = True
    return float(count)
