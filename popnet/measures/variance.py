"""Variance of the error after the criterion."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from popnet.config import MeasureSettings, Observed
from popnet.measures._error_blocks import error_blocks
from popnet.measures._seen import CurveSeen


class Variance(MeasureSettings):
    """Variance of the blocks' errors after the criterion, in its unit squared."""

    reference: ClassVar[str] = "popnet"
    summary: ClassVar[str] = "variance of the error after the criterion"
    needs: ClassVar[Observed] = "curve"
    label: ClassVar[str] = "error variance after\nthe criterion"
    log: ClassVar[bool] = True
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset({"shift", "other accuracy"})
    name: Literal["variance"] = "variance"  # type: ignore[assignment]


def variance(settings: Variance, seen: CurveSeen) -> float:
    """sum n_c (m_c - m)^2 / sum n_c over the blocks c after the criterion.

    n_c trials with mean error m_c, m their mean.  A block is after the criterion if all
    of it is.  NaN with fewer than two such blocks, for an error that is not finite (a
    network that diverged) and for an empty curve.
    """
    blocks = error_blocks(seen)
    if blocks is None or not blocks.followed:
        return float("nan")
    after = blocks.ends_C - blocks.lengths_C >= blocks.met
    if after.sum() < 2:
        return float("nan")
    error, lengths = blocks.error_C[after], blocks.lengths_C[after]
    mean = np.average(error, weights=lengths)
    return float(np.average((error - mean) ** 2, weights=lengths))
