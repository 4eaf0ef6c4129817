"""Effective rank of the change of the recurrent weights by training."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from popnet.config import MeasureSettings, Observed
from popnet.measures._seen import WeightsSeen


class WeightChangeRank(MeasureSettings):
    """Number of directions over which the learned change of the weights is spread."""

    reference: ClassVar[str] = "Roy & Vetterli, EUSIPCO 2007"
    summary: ClassVar[str] = "effective rank of what training added to the weights"
    needs: ClassVar[Observed] = "weights"
    label: ClassVar[str] = "effective rank of ΔJ"
    note: ClassVar[str] = (
        "Effective rank of the weight change: exp of the entropy of its singular "
        "values, each as a share of their sum; no unit."
    )
    form: ClassVar[str] = ".2f"
    range: ClassVar[tuple[float, float]] = (1, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "sign", "transposition", "scale"}
    )
    name: Literal["weight_change_rank"] = "weight_change_rank"  # type: ignore[assignment]


def weight_change_rank(settings: WeightChangeRank, seen: WeightsSeen) -> float:
    """exp(-sum_i p_i log p_i), p_i = s_i / sum_k s_k, no unit; NaN without a change.

    s: singular values of W_final - W_initial.  1 for a change of rank one, N for a
    rotation.
    """
    before = seen.initial_NN.astype(np.float64)
    change_NN = seen.final_NN.astype(np.float64) - before
    if not (np.isfinite(change_NN).all() and change_NN.any()):
        return float("nan")
    size_N = np.linalg.svd(change_NN, compute_uv=False)
    share_N = size_N / size_N.sum()
    share_N = share_N[share_N > 0]
    return max(1.0, float(np.exp(-(share_N * np.log(share_N)).sum())))
