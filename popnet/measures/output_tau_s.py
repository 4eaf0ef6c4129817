"""The time constant of the unit that is read out."""

from __future__ import annotations

from typing import ClassVar, Literal

from popnet.config import MeasureSettings, Observed
from popnet.measures._seen import WeightsSeen


class OutputTau(MeasureSettings):
    """Time constant of the output unit, in seconds; only where one unit is read out."""

    reference: ClassVar[str] = "popnet"
    summary: ClassVar[str] = "time constant of the output unit"
    needs: ClassVar[Observed] = "weights"
    unit: ClassVar[str] = "s"
    label: ClassVar[str] = "time constant of\nthe output unit (s)"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "sign", "transposition", "scale"}
    )
    always: ClassVar[bool] = True
    name: Literal["output_tau_s"] = "output_tau_s"  # type: ignore[assignment]


def output_tau_s(settings: OutputTau, seen: WeightsSeen) -> float:
    """tau_i of the output unit i, in seconds; NaN where the readout is a sum."""
    unit = seen.output_unit
    return float("nan") if unit is None else float(seen.tau_N[unit])
