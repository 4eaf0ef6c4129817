"""The number of directions in which training changed the recurrent weights."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from popnet.config import MeasureSettings, Observed
from popnet.measures._seen import WeightsSeen


class EffectiveRank(MeasureSettings):
    """Effective rank of the change of the recurrent weights by training."""

    reference: ClassVar[str] = "Roy & Vetterli 2007, EUSIPCO, 606"
    summary: ClassVar[str] = "effective rank of the change of the recurrent weights"
    needs: ClassVar[Observed] = "weights"
    label: ClassVar[str] = "effective rank\nof the change of J"
    note: ClassVar[str] = "Effective rank: of final less initial weights; 1 to N."
    form: ClassVar[str] = ".2f"
    range: ClassVar[tuple[float, float]] = (1, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "sign", "transposition", "scale"}
    )
    name: Literal["effective_rank"] = "effective_rank"  # type: ignore[assignment]


def effective_rank(settings: EffectiveRank, seen: WeightsSeen) -> float:
    """exp(-sum p_i log p_i), p_i = s_i / sum s, no unit.

    s: the singular values of W - W(0).  The rank itself where all nonzero s are equal;
    NaN where nothing was changed.
    """
    change_NN = seen.final_NN.astype(np.float64) - seen.initial_NN.astype(np.float64)
    if not np.isfinite(change_NN).all() or not change_NN.any():
        return float("nan")
    s_N = np.linalg.svd(change_NN, compute_uv=False)
    p_N = s_N[s_N > 0] / s_N.sum()
    return float(np.exp(-(p_N * np.log(p_N)).sum()))
