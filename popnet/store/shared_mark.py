"""A mark in a store, by which another machine knows that it sees the same one.

A machine that joins a cluster later may lack the shared disk; a folder of the same name
there is another, and what was recorded in it would be lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from popnet.store.backend import Backend

FOLDER = "launches"


@contextmanager
def marked(backend: Backend) -> Iterator[str]:
    """Leave a mark for a while; its name."""
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
    """Whether the mark is in this place."""
    return mark in backend.listed(FOLDER)
