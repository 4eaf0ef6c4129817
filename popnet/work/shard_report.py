"""The report of a shard actor to its pack, whose process imports no torch."""

from __future__ import annotations

from typing import NamedTuple


class ShardReport(NamedTuple):
    """Progress of a shard since its last report."""

    shard: str
    trials: int
    """Trials trained since the last report."""
    finished: dict[str, int]
    """Networks finished since the last report, by status."""
    recorded: dict[str, str]
    """Networks put on disk since the last report: key -> status."""
    done: bool
    must_compile: bool = False
    """A kernel is not on this machine yet: the next work takes seconds longer."""
    waiting: str = ""
    """Why nothing can be put on disk at the moment; "" when it can."""
    notes: tuple[str, ...] = ()
    """Notes for the user, such as on a damaged checkpoint."""
