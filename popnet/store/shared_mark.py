"""A mark in a store shows whether another machine sees the same store.

A machine that joins a cluster later may lack the shared disk.  A folder of the same
name on that machine is a different one, and networks recorded in it would be lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from popnet.store.backend import Backend

FOLDER = "launches"


@contextmanager
def marked(backend: Backend) -> Iterator[str]:
    """Put a mark into the store, yield its name, and delete it afterwards."""
    mark = f"{uuid.uuid4().hex}.json"
    with backend.draft() as draft:
        draft.write_text("{}")
        backend.put(draft, f"{FOLDER}/{mark}")
    try:
        yield mark
    finally:
        with suppress(OSError):  # a mark that stays harms nobody
            backend.remove(f"{FOLDER}/{mark}")


def sees(backend: Backend, mark: str) -> bool:
    """Return True when the mark is in this backend."""
    return mark in backend.listed(FOLDER)
