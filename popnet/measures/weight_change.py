"""Change of the recurrent weights by training, relative to their size."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from popnet.config import MeasureSettings, Observed
from popnet.measures._seen import WeightsSeen


class WeightChange(MeasureSettings):
    """Relative Frobenius distance of the weights from those they began as."""

    reference: ClassVar[str] = "popnet; Frobenius norm"
    summary: ClassVar[str] = "how far training moved the recurrent weights"
    needs: ClassVar[Observed] = "weights"
    label: ClassVar[str] = "weight change\n|ΔJ| / |J₀|"
    note: ClassVar[str] = "Weight change: |ΔJ| / |J₀| (Frobenius norm), no unit."
    form: ClassVar[str] = ".3f"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "sign", "transposition", "scale"}
    )
    always: ClassVar[bool] = True
    listed: ClassVar[bool] = True
    grouped: ClassVar[bool] = True
    name: Literal["weight_change"] = "weight_change"  # type: ignore[assignment]


def weight_change(settings: WeightChange, seen: WeightsSeen) -> float:
    """|W_final - W_initial|_F / |W_initial|_F, no unit; NaN where W_initial is 0."""
    before = seen.initial_NN.astype(np.float64)
    size = float(np.linalg.norm(before))
    change = float(np.linalg.norm(seen.final_NN.astype(np.float64) - before))
    return change / size if size > 0 else float("nan")
