"""The area under the error curve."""

from __future__ import annotations

from typing import ClassVar, Literal

from popnet.config import MeasureSettings, Observed
from popnet.measures._error_blocks import error_blocks
from popnet.measures._seen import CurveSeen


class Area(MeasureSettings):
    """Mean error per trial over all of the training, in the unit of the error."""

    reference: ClassVar[str] = "popnet"
    summary: ClassVar[str] = "mean error per trial over all of the training"
    needs: ClassVar[Observed] = "curve"
    label: ClassVar[str] = "mean error\nover training"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset({"other accuracy"})
    name: Literal["area"] = "area"  # type: ignore[assignment]


def area(settings: Area, seen: CurveSeen) -> float:
    """sum n_c m_c / sum n_c over blocks c of n_c trials with mean error m_c.

    NaN for an error that is not finite (a network that diverged) and an empty curve.
    """
    blocks = error_blocks(seen)
    return float("nan") if blocks is None else blocks.mean_error(0)
