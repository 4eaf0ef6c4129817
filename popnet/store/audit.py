"""Checks the files of a store against their checksums and sets damaged ones aside."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import NamedTuple

from popnet.store import compaction
from popnet.store.backend import Backend
from popnet.store.index import Batch, read_entry
from popnet.store.store import Store
from popnet.store.tensorfile import sum_of


class Audit(NamedTuple):
    """What was found in a store, and how much was read for it."""

    problems: list[str]
    """One sentence per damaged batch; its networks count as not recorded."""
    bytes: int
    seconds: float


class Found(NamedTuple):
    """What was found of one batch."""

    bytes: int
    file: str = ""
    """The first file that is not what was written; "" when all are."""
    problem: str = ""


def audit(store: Store, keys: set[str]) -> Audit:
    """Check every batch that holds these networks; set damaged ones aside.

    Of a damaged file of weights the networks that are whole are kept.
    """
    began = time.monotonic()
    problems, read = _torn(store), 0
    seen: set[tuple[str, ...]] = set()
    while todo := [
        b for b in store.batches() if _mark(b) not in seen and keys.intersection(b.keys)
    ]:  # again, for what others merged meanwhile
        found = store.backend.each(lambda b: check(store.backend, b), todo)
        for batch, what in zip(todo, found, strict=True):
            seen.add(_mark(batch))
            read += what.bytes
            if what.file:
                problems += _set_aside(store, batch, what)
    return Audit(problems, read, time.monotonic() - began)


def _mark(batch: Batch) -> tuple[str, ...]:
    return (batch.entry, *sorted(batch.files))


def check(backend: Backend, batch: Batch) -> Found:
    """Read all files of a batch."""
    read = 0
    for file, known in batch.files.items():
        try:
            with backend.open(file) as handle:
                size, found = sum_of(handle)
        except FileNotFoundError:
            return Found(read, file, "is missing")
        read += size
        if found != known["sha256"]:
            return Found(read, file, "is damaged")
    return Found(read)


def _set_aside(store: Store, batch: Batch, what: Found) -> list[str]:
    store.index.clear()
    if read_entry(store.backend, batch.entry) != batch:
        return []  # merged or made again by another launch meanwhile
    kept = compaction.rescue(store, batch) if what.problem == "is damaged" else 0
    with suppress(FileNotFoundError):  # another launch was faster
        store.backend.move(batch.entry, _aside(batch.entry))
    lost = len(batch.keys) - kept
    of = f"{lost} of {len(batch.keys)}" if kept else f"{lost}"
    return [
        f"{what.file} {what.problem}; {of} records of {batch.kind} will be made again"
    ]


def _torn(store: Store) -> list[str]:
    """Set entries that cannot be read aside."""
    problems = []
    for entry in store.index.refresh():
        with suppress(FileNotFoundError):
            store.backend.move(entry, _aside(entry))
            problems.append(
                f"{entry} is damaged; the records it named will be made again"
            )
    return problems


def _aside(entry: str) -> str:
    return f"{entry.removesuffix('.json')}.damaged"
