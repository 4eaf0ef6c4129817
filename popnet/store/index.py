"""The index of a store: an entry per batch, with its networks and files."""

from __future__ import annotations

import hashlib
import json
import re
import time
from typing import Any, NamedTuple

from popnet.plan import PHYSICS
from popnet.store.backend import Backend

FILE = re.compile(r"[a-z_]+/[0-9a-f]+\.(parquet|safetensors)")
STEM = re.compile(r"[0-9a-f]+")
MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""Exceptions that reading a file that is not an entry raises."""


class StoreError(RuntimeError):
    """The store is damaged or cannot be used; the message says which file and why."""


class Gone(Exception):
    """A file of a batch is missing."""


class Batch(NamedTuple):
    """A set of networks whose records were written together; one entry of the index."""

    name: str
    kind: str
    """networks, evaluations, trajectories, comparisons, stopped, or "prepared" with
    the identity of the metric it is prepared for."""
    keys: tuple[str, ...]
    """The networks' keys."""
    files: dict[str, dict[str, Any]]
    """Path inside the store -> {"sha256", "bytes", "head"}; ``head`` is the SHA-256 of
    a tensor file's header, which holds each tensor's checksum."""
    replaces: tuple[str, ...] = ()
    """Names of the batches that were merged into this one."""
    physics: int = PHYSICS
    """The ``PHYSICS`` with which the records were made."""

    @property
    def entry(self) -> str:
        """The entry's path inside the store."""
        return f"{'merged' if self.replaces else 'index'}/{self.name}.json"

    def file(self, folder: str) -> str | None:
        """Return the batch's file in this folder; None when it has none."""
        return next((f for f in self.files if f.startswith(f"{folder}/")), None)


def write_entry(backend: Backend, batch: Batch) -> None:
    """Write a batch's entry, which holds its own checksum."""
    about: dict[str, Any] = {
        "kind": batch.kind, "keys": list(batch.keys), "files": batch.files,
        "physics": batch.physics, "recorded_at": time.time(),
    }  # fmt: skip
    if batch.replaces:
        about["replaces"] = list(batch.replaces)
    about["checksum"] = _checksum(about)
    with backend.draft() as draft:
        draft.write_text(json.dumps(about, indent=1, sort_keys=True) + "\n")
        backend.put(draft, batch.entry)


def _checksum(about: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def read_entry(backend: Backend, name: str) -> Batch | None:
    """Read an entry; None when it is missing, torn, altered or not popnet's."""
    try:
        about = json.loads(backend.read(name))
        known = about.pop("checksum", None)  # older entries have none
        if known is not None and _checksum(about) != known:
            return None
        kind, keys, files = about["kind"], about["keys"], about["files"]
        replaces, physics = about.get("replaces", []), about.get("physics", 0)
        whole = all(
            FILE.fullmatch(file) and isinstance(what["sha256"], str)
            for file, what in files.items()
        )
        whole &= isinstance(keys, list) and isinstance(replaces, list)
        whole &= type(physics) is int
        texts = all(isinstance(t, str) for t in (kind, *keys, *replaces))
    except (FileNotFoundError, *MALFORMED):
        return None
    stem = name.partition("/")[2].removesuffix(".json")
    merged = name.startswith("merged/")
    if not (whole and texts and merged == bool(replaces) and STEM.fullmatch(stem)):
        return None
    return Batch(stem, kind, tuple(keys), files, tuple(replaces), physics)


class Index:
    """The entries of a store; each is read only once."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._known: dict[str, Batch] = {}

    def clear(self) -> None:
        """Forget all entries, so that they are read again."""
        self._known.clear()

    def batches(self) -> list[Batch]:
        """Return every readable batch: merged ones first, then by name.

        Only new entries are read.  A batch that was merged into another is left out.
        """
        self.refresh()
        found = self._known.values()
        merged = {name: batch for batch in found for name in batch.replaces}
        return sorted(
            (b for b in found if not _within(b, merged.get(b.name))),
            key=lambda b: (not b.replaces, b.name),
        )

    def merged(self) -> list[tuple[Batch, Batch]]:
        """Return (old, new) where ``old`` still exists but was merged into ``new``."""
        self.refresh()
        found = self._known.values()
        merged = {name: batch for batch in found for name in batch.replaces}
        pairs = [(b, merged[b.name]) for b in found if b.name in merged]
        return [(old, new) for old, new in pairs if _within(old, new)]

    def files(self) -> set[str]:
        """Return every file that an entry names."""
        self.refresh()
        return {file for batch in self._known.values() for file in batch.files}

    def entries(self) -> set[str]:
        """Return the names of all entries that exist now, unreadable ones included."""
        # an entry is deleted only once the merged one exists, so one of them is seen
        names, merged = self._named("index"), self._named("merged")
        while (again := self._named("merged")) != merged:
            merged = again  # another merge may end while the folder is listed
        return names | merged

    def refresh(self) -> list[str]:
        """Read new entries, forget deleted ones; return unreadable ones' names."""
        names = self.entries()
        for gone in set(self._known) - names:
            del self._known[gone]
        new = sorted(names - set(self._known))
        read = self.backend.each(lambda name: read_entry(self.backend, name), new)
        known = {n: e for n, e in zip(new, read, strict=True) if e is not None}
        self._known |= known
        return [name for name in new if name not in known]

    def _named(self, folder: str) -> set[str]:
        listed = self.backend.listed(folder)
        hexes = (n for n in listed if n.endswith(".json") and STEM.fullmatch(n[:-5]))
        return {f"{folder}/{name}" for name in hexes}

    def existing(self, batch: Batch) -> Batch | None:
        """Return this batch as the store holds it, alone or merged; None if missing."""
        entry = read_entry(self.backend, batch.entry)
        if entry is not None:
            folders = {file.partition("/")[0] for file in entry.files}
            here = {f"{f}/{name}" for f in folders for name in self.backend.listed(f)}
            if here.issuperset(entry.files):
                return entry
        for name in sorted(self._named("merged")):
            merged = self._known.get(name) or read_entry(self.backend, name)
            if merged is not None:
                self._known[name] = merged
                if batch.name in merged.replaces and _within(batch, merged):
                    return merged
        return None


def _within(batch: Batch, merged: Batch | None) -> bool:
    """Return True when the merged batch holds all of the batch's networks."""
    return merged is not None and set(batch.keys) <= set(merged.keys)
