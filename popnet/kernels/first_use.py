"""A kernel is compiled at its first use on a machine, and this is told.

It takes seconds in which nothing else happens.  A launch first tries without: its
actors stop at ``NotCompiled``, the launch says so, and they try again.  Elsewhere, as
in a notebook, it is logged.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

_allowed = ContextVar("allowed", default=True)


class NotCompiled(Exception):
    """A kernel is not on this machine yet, and may not be compiled now."""


@contextmanager
def compiling(allowed: bool) -> Iterator[None]:
    """Whether a kernel may be compiled inside, or NotCompiled is raised instead."""
    token = _allowed.set(allowed)
    try:
        yield
    finally:
        _allowed.reset(token)


def announce() -> None:
    """A kernel is about to be compiled.  Raises NotCompiled where it may not be."""
    if not _allowed.get():
        raise NotCompiled
    _log()


@lru_cache
def _log() -> None:
    """Once in a process; on stderr, unless the user's logging decides otherwise."""
    logging.getLogger("popnet").warning("compiling kernels for this CPU, once")
