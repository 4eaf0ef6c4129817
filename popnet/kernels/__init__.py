"""Fast paths of the mathematics in ``core`` and ``rules``, chosen by device.

On the CPU: compiled loops that take one network at a time through all its steps, with
its weights in the cache.  What they compute for a network cannot depend on which
networks stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from popnet.core.cell import Cell


def fast(tensor: Tensor, cell: Cell | None = None) -> bool:
    """Whether a compiled kernel serves this tensor: float32 on the CPU.

    With ``cell``: whether one runs such networks, which none does in the rate form.
    """
    if cell is not None and cell.form == "rate":
        return False
    return tensor.device.type == "cpu" and tensor.dtype == torch.float32


_HOMES = {
    "learn_by_reward": "reward_hebbian",
    "loss_gradients": "bptt",
    "descend": "descent",
    "outputs": "forward",
    "learn_by_least_squares": "force",
    "align_operators": "rotation_search",
}


def __getattr__(name: str) -> Any:
    # imported on first use: numba takes as long to load as all the rest of a command
    if name in _HOMES:
        return getattr(import_module(f"popnet.kernels.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@contextmanager
def reproducible() -> Iterator[None]:
    """One torch thread and denormals flushed to zero, put back afterwards.

    Sums split over threads, and denormals kept, change last bits; both would make a
    network's weights depend on the machine's settings.
    """
    threads = torch.get_num_threads()
    tiny = torch.tensor([1e-39])
    flushed = bool((tiny * 0.5 == 0).item())
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(flushed)
