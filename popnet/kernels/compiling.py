"""How a kernel is compiled: once on a machine, kept on disk, shared by its actors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from numba.core.compiler_lock import global_compiler_lock

from popnet.kernels import first_use
from popnet.kernels.closed_code import ClosedCompiler
from popnet.kernels.compile_cache import Kept, alone

# "nnan" and "ninf" are left out: a diverged network must look diverged.  "reassoc"
# too: a sum has one order.
EXACT = {"contract", "nsz", "arcp", "afn"}
_options: dict[str, Any] = {
    "fastmath": EXACT,
    "error_model": "numpy",
    "nogil": True,
    "pipeline_class": ClosedCompiler,
}
_under_way: list[Any] = []
"""The kernel being compiled, if any: what it calls is compiled as a part of it."""


def compiled(function: Callable[..., Any]) -> Any:
    """A function of arrays and numbers, compiled for this CPU at its first call."""
    return _kept(numba.njit(**_options)(function))


def summing(function: Callable[..., Any]) -> Any:
    """As ``compiled``, for inner products: sums are taken in the order of vectors."""
    options: dict[str, Any] = {**_options, "fastmath": EXACT | {"reassoc"}}
    return _kept(numba.njit(**options)(function))


def inlined(function: Callable[..., Any]) -> Any:
    """A compiled function that is written out wherever another one calls it."""
    return _kept(numba.njit(inline="always", **_options)(function))


def _kept(kernel: Any) -> Any:
    """The kernel, taken from disk where it is there, else compiled and put there.

    Of several processes that need it at once, one compiles and the others wait.
    """
    compile_or_load = kernel.compile
    cache = Kept(kernel.py_func, sorted(kernel.targetoptions["fastmath"]))

    def compile_once(signature: Any) -> Any:
        # numba's lock first, then the machine's, in every thread: the other way round
        # two threads could wait for each other
        with global_compiler_lock:
            if _under_way or cache.read(signature, kernel.targetctx) is not None:
                return compile_or_load(signature)
            first_use.announce()
            with alone():
                _under_way.append(kernel)
                try:
                    return compile_or_load(signature)
                finally:
                    _under_way.pop()

    kernel._cache, kernel.compile = cache, compile_once
    return kernel
