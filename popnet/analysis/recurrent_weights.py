"""Numbers that describe one network's weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def spectral_radius(w_NN: NDArray[np.float32]) -> float:
    """The largest modulus of the eigenvalues of the recurrent weights, no unit."""
    return float(np.abs(np.linalg.eigvals(w_NN.astype(np.float64))).max())


def weight_change(
    initial_NN: NDArray[np.float32], final_NN: NDArray[np.float32]
) -> float:
    """|W_final - W_initial|_F / |W_initial|_F, no unit."""
    before = initial_NN.astype(np.float64)
    size = float(np.linalg.norm(before))
    change = float(np.linalg.norm(final_NN.astype(np.float64) - before))
    return change / size if size > 0 else float("nan")
