"""The machine's own matrix product of float32, by NumPy's BLAS and by torch's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from side import Made

SIZE = 2048
GFLOP = 2 * SIZE**3 / 1e9


def numpy_product(folder: Path) -> Made:  # noqa: ARG001
    """2048 x 2048."""
    random = np.random.default_rng(0)
    a, b = random.standard_normal((2, SIZE, SIZE), dtype=np.float32)
    c = np.empty_like(a)
    return Made(lambda: np.matmul(a, b, out=c), GFLOP, {})


def torch_product(folder: Path) -> Made:  # noqa: ARG001
    """2048 x 2048."""
    import torch

    a, b = torch.randn(2, SIZE, SIZE)
    c = torch.empty(SIZE, SIZE)
    return Made(lambda: torch.mm(a, b, out=c), GFLOP, {})
