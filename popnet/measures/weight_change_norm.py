"""Size of the change of the recurrent weights by training."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from popnet.config import MeasureSettings, Observed
from popnet.measures._seen import WeightsSeen


class WeightChangeNorm(MeasureSettings):
    """Frobenius norm of the change of the recurrent weights, in their unit."""

    reference: ClassVar[str] = "Huang et al. 2025"
    summary: ClassVar[str] = "size of the change of the recurrent weights"
    needs: ClassVar[Observed] = "weights"
    label: ClassVar[str] = "weight change\n|ΔW|"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "sign", "transposition"}
    )
    name: Literal["weight_change_norm"] = "weight_change_norm"  # type: ignore[assignment]


def weight_change_norm(settings: WeightChangeNorm, seen: WeightsSeen) -> float:
    """|W_final - W_initial|_F.  Huang et al. (2025); larger is richer learning.

    W acts in the network, in every parametrisation.  For networks with gamma, where
    J = N W is trained (``core.feature_learning``), |J_final - J_initial|_F is N times
    this; which of the two the paper's figures show is not known.
    """
    change_NN = seen.final_NN.astype(np.float64) - seen.initial_NN.astype(np.float64)
    return float(np.linalg.norm(change_NN))
