"""Makes hundreds of thousands of objects without Python's search for lost ones."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Hold the search for objects that refer to each other in a circle.

    It goes through all there is again and again while much is made, and took half the
    time of a plan of 100,000 networks, in which there is no such circle.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
