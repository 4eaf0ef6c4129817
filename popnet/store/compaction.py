"""Merges many small batches of a store into few large ones.

The order makes every moment safe: new files, the new entry that says what it replaces,
and from then on the old entries and the old files go.  A reader that misses a file asks
the index again.
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
    """When to merge, and how large the result may be."""

    least: int = 32
    """Small batches of a kind below which they are left as they are."""
    bytes: int = 128 << 20
    """Of one merged batch; thrice this is needed of memory."""
    networks: int = 512
    """Of one merged batch with tensors: its files' headers, some 3 kB per network, are
    read for every network asked for."""


BOUNDS = Bounds()


class _Changed(Exception):
    """A batch to be merged is no longer there."""


def compact(store: Store, bounds: Bounds = BOUNDS) -> int:
    """Merge the small batches of each kind where there are many; returns how many.

    What killed writers left is taken away first.
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
    """Less than half of what is allowed: a merged batch is seldom merged again."""
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
    """Put the records of some batches into one; False when they changed meanwhile.

    Of a network that two batches hold, the first batch's records are kept.
    """
    owner: dict[str, str] = {}
    for batch in store.batches(group[0].kind):
        for key in batch.keys:
            owner.setdefault(key, batch.name)
    parts, sound = [], []
    for batch in group:
        networks = batch.kind == "networks"
        keys = {k for k in batch.keys if not networks or owner.get(k) == batch.name}
        try:
            parts.append(_read(store, batch, keys))
        except (Gone, StoreError):  # the next launch's audit says which
            continue
        sound.append((batch, keys))
    if len(sound) < 2:
        return False
    try:
        _put(store, sound, parts)
    except _Changed:
        return False
    _drop(store, [batch for batch, _ in sound])
    return True


class _Part(NamedTuple):
    """The records of a batch, by folder."""

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
    store: Store, sound: list[tuple[Batch, set[str]]], parts: list[_Part]
) -> Batch:
    """Write the merged batch.  Raises _Changed when a batch has gone meanwhile."""
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
    replaces = sorted({n for b, _ in sound for n in (b.name, *b.replaces)})
    kind = sound[0][0].kind
    keys = tuple(sorted({key for _, some in sound for key in some}))
    name = digest("merged", kind, *replaces, *keys, size=12)

    def known(batch: Batch) -> Batch | None:
        there = store.index.entries()
        if not there.issuperset(b.entry for b, _ in sound):
            raise _Changed
        return read_entry(store.backend, batch.entry)

    return store.put(
        Batch(name, kind, keys, {}, tuple(replaces)),
        {
            f: pa.concat_tables(t, promote_options="permissive")
            for f, t in tables.items()
        },
        tensors,
        known,
    )


def _drop(store: Store, batches: Iterable[Batch]) -> None:
    """Take merged batches away: all entries, then all files."""
    batches = list(batches)
    store.backend.each(store.backend.remove, [b.entry for b in batches])
    store.backend.each(store.backend.remove, [f for b in batches for f in b.files])


def _clear(store: Store) -> None:
    """Finish what a killed merge began; take away old files that no entry names."""
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
    """Keep the whole networks of a damaged batch; returns how many there are."""
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
