"""Waits for other processes, and measures speed in units of plain work.

A bound in seconds fails on a machine that is slow or busy; a bound in units of plain
work, timed beside the tested work in the same process, says the same everywhere.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 900
"""Seconds that a test waits for another process or thread before it fails."""


def wait_until(found: Callable[[], T], what: str) -> T:
    """Ask until the answer is true, and give it; says what did not come."""
    until = time.monotonic() + PATIENCE_S
    while not (answer := found()):
        if time.monotonic() > until:
            raise AssertionError(f"not within {PATIENCE_S} s: {what}")
        time.sleep(0.1)
    return answer


def processor_seconds(work: Callable[[], object]) -> float:
    """Processor time of this process that ``work`` takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def digests() -> dict[str, int]:
    """Plain work: a digest, as a key of a dictionary, for each of 100,000 tuples."""
    return {
        hashlib.blake2b(repr((i, "a", 0.5)).encode(), digest_size=8).hexdigest(): i
        for i in range(100_000)
    }


def in_digests(work: Callable[[], object]) -> float:
    """Processor time of ``work``, as a multiple of that of `digests` beside it."""
    before = processor_seconds(digests)
    spent = processor_seconds(work)
    return spent / max(before, processor_seconds(digests))
