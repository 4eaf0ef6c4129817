"""An audit checks a store's files against their checksums; damaged ones are renamed."""

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
    """The result of an audit."""

    problems: list[str]
    """One sentence per damaged batch; its networks count as not recorded."""
    bytes: int
    """Bytes read."""
    seconds: float


class BatchCheck(NamedTuple):
    """The result of checking one batch."""

    bytes: int
    """Bytes read."""
    file: str = ""
    """First file that is missing or damaged; "" when all files are whole."""
    problem: str = ""
    """"is missing" or "is damaged"."""


def audit(store: Store, keys: set[str]) -> Audit:
    """Check every batch that holds one of ``keys``; rename damaged entries.

    When a file of weights is damaged, the networks that are whole in it are kept.
    """
    began = time.monotonic()
    problems, read = _set_unreadable_aside(store), 0
    seen: set[tuple[str, ...]] = set()
    while todo := [
        b
        for b in store.batches()
        if _identity(b) not in seen and keys.intersection(b.keys)
    ]:  # again, for what others merged meanwhile
        checks = store.backend.each(lambda b: check(store.backend, b), todo)
        for batch, result in zip(todo, checks, strict=True):
            seen.add(_identity(batch))
            read += result.bytes
            if result.file:
                problems += _set_aside(store, batch, result)
    return Audit(problems, read, time.monotonic() - began)


def _identity(batch: Batch) -> tuple[str, ...]:
    return (batch.entry, *sorted(batch.files))


def check(backend: Backend, batch: Batch) -> BatchCheck:
    """Read all files of a batch and compare each with its SHA-256."""
    read = 0
    for file, known in batch.files.items():
        try:
            with backend.open(file) as handle:
                size, checksum = sum_of(handle)
        except FileNotFoundError:
            return BatchCheck(read, file, "is missing")
        read += size
        if checksum != known["sha256"]:
            return BatchCheck(read, file, "is damaged")
    return BatchCheck(read)


def _set_aside(store: Store, batch: Batch, result: BatchCheck) -> list[str]:
    """Rename the entry of a damaged batch; return the sentences that say so."""
    store.index.clear()
    if read_entry(store.backend, batch.entry) != batch:
        return []  # merged or made again by another launch meanwhile
    damaged = result.problem == "is damaged"
    kept = compaction.rescue(store, batch) if damaged else 0
    with suppress(FileNotFoundError):  # another launch was faster
        store.backend.move(batch.entry, _aside(batch.entry))
    lost = len(batch.keys) - kept
    count = f"{lost} of {len(batch.keys)}" if kept else f"{lost}"
    return [
        f"{result.file} {result.problem}; {count} records of {batch.kind} will be "
        "made again"
    ]


def _set_unreadable_aside(store: Store) -> list[str]:
    """Rename entries that cannot be read; return a sentence for each."""
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
