"""The error that is left at the end of training."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from popnet.config import MeasureSettings, Observed
from popnet.measures._error_blocks import error_blocks
from popnet.measures._seen import CurveSeen


class Residual(MeasureSettings):
    """Mean error of the last trials, in the unit of the error."""

    reference: ClassVar[str] = "popnet"
    summary: ClassVar[str] = "mean error of the last trials"
    needs: ClassVar[Observed] = "curve"
    label: ClassVar[str] = "residual error"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset({"other accuracy"})
    name: Literal["residual"] = "residual"  # type: ignore[assignment]
    last: Annotated[
        int, Field(ge=1, description="trials; all of them where there were fewer")
    ] = 500


def residual(settings: Residual, seen: CurveSeen) -> float:
    """Mean error of the last ``last`` trials, or of all if there were fewer.

    NaN for an error that is not finite (a network that diverged) and an empty curve.
    """
    blocks = error_blocks(seen)
    if blocks is None:
        return float("nan")
    return blocks.mean_error(max(0, blocks.ends_C[-1] - settings.last))
