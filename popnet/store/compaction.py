"""Compaction merges many small batches of a store into a few large ones.

The order of the steps makes every moment safe: the new files are written first, then
the new entry, which names the batches it replaces.  Only then are the old entries and
the old files deleted.  A reader that misses a file reads the index again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from popnet.plan import digest
from popnet.store.backend import OLD_S
from popnet.store.index import Batch, Gone, StoreError, read_entry
from popnet.store.store import Store
from popnet.store.tensorfile import Tensors

FOLDERS = (
    "networks", "curves", "weights", "evaluations", "dynamics", "measures",
    "responses", "trajectories", "prepared", "comparisons", "stopped_networks",
    "stopped_curves",
)  # fmt: skip


class Bounds(NamedTuple):
    """Limits that decide when batches are merged and how large the result may be."""

    least: int = 32
    """Fewest small batches of a kind that are merged."""
    bytes: int = 128 << 20
    """Largest size of a merged batch; merging needs three times this memory."""
    networks: int = 512
    """Most networks in a merged batch with tensors: to read one network, the headers of
    its files are read, some 3 kB for each network in the batch."""


BOUNDS = Bounds()


class _Changed(Exception):
    """A batch that was to be merged has gone."""


def compact(store: Store, bounds: Bounds = BOUNDS) -> int:
    """Merge the small batches of each kind of which there are many.

    Returns the number of batches merged.  Files that killed writers left are deleted
    first.
    """
    store.backend.tidy()
    _clear(store)
    count = 0
    batches = store.batches()
    for kind in sorted({b.kind for b in batches}):
        small = [b for b in batches if b.kind == kind and _small(b, bounds)]
        if len(small) < bounds.least:
            continue
        for group in _groups(small, bounds):
            count += len(group) if len(group) > 1 and _merge(store, group) else 0
    return count


def _bytes(batch: Batch) -> int:
    return sum(known.get("bytes", 0) for known in batch.files.values())


def _networks(batch: Batch) -> int:
    tensors = any(f.endswith(".safetensors") for f in batch.files)
    return len(batch.keys) if tensors else 0


def _small(batch: Batch, bounds: Bounds) -> bool:
    """Return True below half the limits: merged batches are seldom merged again."""
    return 2 * _bytes(batch) < bounds.bytes and 2 * _networks(batch) < bounds.networks


def _groups(batches: list[Batch], bounds: Bounds) -> list[list[Batch]]:
    groups: list[list[Batch]] = [[]]
    size = networks = 0
    for batch in batches:
        size, networks = size + _bytes(batch), networks + _networks(batch)
        if groups[-1] and (size > bounds.bytes or networks > bounds.networks):
            groups.append([])
            size, networks = _bytes(batch), _networks(batch)
        groups[-1].append(batch)
    return groups


def _merge(store: Store, group: list[Batch]) -> bool:
    """Merge a group of batches into one; return False when they changed meanwhile.

    When two batches hold the same network, the first batch's records are kept.
    """
    owner: dict[str, str] = {}
    for batch in store.batches(group[0].kind):
        for key in batch.keys:
            owner.setdefault(key, batch.name)
    parts, readable = [], []
    for batch in group:
        networks = batch.kind == "networks"
        keys = {k for k in batch.keys if not networks or owner.get(k) == batch.name}
        try:
            parts.append(_read(store, batch, keys))
        except (Gone, StoreError):  # the next launch's audit says which
            continue
        readable.append((batch, keys))
    if len(readable) < 2:
        return False
    try:
        _put(store, readable, parts)
    except _Changed:
        return False
    _drop(store, [batch for batch, _ in readable])
    return True


class _Part(NamedTuple):
    """Records of one batch, by folder."""

    tables: dict[str, pa.Table]
    tensors: dict[str, dict[str, Tensors]]


def _read(store: Store, batch: Batch, keys: set[str]) -> _Part:
    part = _Part({}, {})
    for file in batch.files:
        folder = file.partition("/")[0]
        if file.endswith(".safetensors"):
            part.tensors[folder] = store.arrays(batch, file, keys)
            continue
        table = store.rows(batch, file)
        if table.num_rows and len(keys) < len(batch.keys):
            wanted = pa.array(sorted(keys), pa.string())
            table = table.filter(pc.field("key").isin(wanted))
        if table.num_rows:  # none, and no columns: the curves of untrained networks
            part.tables[folder] = table
    return part


def _put(
    store: Store, sources: list[tuple[Batch, set[str]]], parts: list[_Part]
) -> Batch:
    """Write the merged batch.  Raises _Changed when a source batch has gone."""
    tables: dict[str, list[pa.Table]] = {}
    tensors: dict[str, Tensors] = {}
    for part in parts:
        for folder, table in part.tables.items():
            tables.setdefault(folder, []).append(table)
        for folder, networks in part.tensors.items():
            whole = tensors.setdefault(folder, {})
            for key, arrays in networks.items():
                for name, array in arrays.items():
                    whole.setdefault(f"{key}/{name}", array)
    replaces = sorted({n for b, _ in sources for n in (b.name, *b.replaces)})
    kind = sources[0][0].kind
    keys = tuple(sorted({key for _, chosen in sources for key in chosen}))
    name = digest("merged", kind, *replaces, *keys, size=12)

    def find_existing(batch: Batch) -> Batch | None:
        present = store.index.entries()
        if not present.issuperset(b.entry for b, _ in sources):
            raise _Changed
        return read_entry(store.backend, batch.entry)

    return store.put(
        Batch(name, kind, keys, {}, tuple(replaces)),
        {
            f: pa.concat_tables(t, promote_options="permissive")
            for f, t in tables.items()
        },
        tensors,
        find_existing,
    )


def _drop(store: Store, batches: Iterable[Batch]) -> None:
    """Delete merged batches: all their entries first, then all their files."""
    batches = list(batches)
    store.backend.each(store.backend.remove, [b.entry for b in batches])
    store.backend.each(store.backend.remove, [f for b in batches for f in b.files])


def _clear(store: Store) -> None:
    """Finish the deletions of a killed merge; delete old files that no entry names."""
    listed = {
        f"{folder}/{name}": about
        for folder in FOLDERS
        for name, about in store.backend.listed(folder).items()
    }
    _drop(
        store,
        (
            old
            for old, new in store.index.merged()
            if all(
                file in listed and listed[file].bytes == known["bytes"]
                for file, known in new.files.items()
            )
        ),
    )
    now = time.time()
    named = store.index.files()
    old = [f for f, about in listed.items() if now - about.modified > OLD_S]
    store.backend.each(store.backend.remove, [f for f in old if f not in named])


def rescue(store: Store, batch: Batch) -> int:
    """Put the undamaged networks of a damaged batch into a new batch.

    Returns their number; 0 when none, or all, are undamaged.
    """
    if batch.kind != "networks":
        return 0
    whole: set[str] = set()
    part = _Part({}, {})
    for key in batch.keys:
        try:
            for file in (f for f in batch.files if f.endswith(".safetensors")):
                store.arrays(batch, file, {key})
        except (Gone, StoreError):
            continue
        whole.add(key)
    if not whole or len(whole) == len(batch.keys):
        return 0  # all, or none can be told to be whole
    try:
        part = _read(store, batch, whole)
        _put(store, [(batch, whole)], [part])
    except (Gone, StoreError, _Changed):
        return 0
    return len(whole)
