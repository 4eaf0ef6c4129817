"""How a kernel is compiled: once on a machine, kept on disk, shared by its actors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba

# "nnan" and "ninf" are left out: a diverged network must look diverged.  "reassoc"
# too: a sum has one order.
EXACT = {"contract", "nsz", "arcp", "afn"}
_options: dict[str, Any] = {
    "fastmath": EXACT,
    "error_model": "numpy",
    "cache": True,
    "nogil": True,
}


def compiled(function: Callable[..., Any]) -> Any:
    """A function of arrays and numbers, compiled for this CPU at its first call."""
    return numba.njit(**_options)(function)


def inlined(function: Callable[..., Any]) -> Any:
    """A compiled function that is written out wherever another one calls it."""
    return numba.njit(inline="always", **_options)(function)
