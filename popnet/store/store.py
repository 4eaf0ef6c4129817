"""The store: every network ever trained under one folder, by key, in batches.

A batch is a set of files and one entry in ``index/`` naming them with their
checksums.  The entry is written last: a batch exists when its entry does.  Batches
are never changed: of two that are the same the first stays.  Several launches may
write at once, and a network that two of them trained counts once.  Damaged batches
are found by store/audit.py, many small ones merged by store/compaction.py.

    index/B.json    weights/BU.safetensors    networks/BU.parquet   curves/BU.parquet
    evaluations/BU.parquet   dynamics/BU.parquet   responses/BU.safetensors
    measures/BU.parquet   trajectories/BU.safetensors   prepared/BU.safetensors
    comparisons/BU.parquet
    merged/B.json   an entry that holds the records of others instead of them
    checkpoints/SHARD.safetensors   networks in training

B: a hash of what the batch is about; U: eight digits of each writer's own.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from popnet.plan import digest
from popnet.store import tensorfile
from popnet.store.atomic_files import sha256
from popnet.store.backend import Backend
from popnet.store.index import Batch, Gone, Index, StoreError, read_entry, write_entry
from popnet.store.local_disk import LocalDisk
from popnet.store.location import backend_of
from popnet.store.tensorfile import UNUSABLE, Arrays, TensorFile, Tensors, sum_of

Rows = Sequence[Mapping[str, Any]]
T = TypeVar("T")
LOOKS = 10
"""Times a reader looks again when a file it was about to read has been merged."""


class Store:
    """Reads and extends a store.  Opening it creates nothing.

    ``where``: a path, a URI, or a place.
    """

    def __init__(self, where: str | Path | Backend) -> None:
        self.backend = backend_of(where)
        self.index = Index(self.backend)

    @property
    def address(self) -> str:
        """The path or URI by which any process opens this store."""
        return self.backend.address

    @property
    def folder(self) -> Path:
        """The folder of a store that lies in one."""
        if not isinstance(self.backend, LocalDisk):
            raise StoreError(f"{self.address} is no folder")
        return self.backend.folder

    def batches(self, kind: str | None = None) -> list[Batch]:
        """Every whole batch: merged ones first, then by name."""
        return [b for b in self.index.batches() if kind is None or b.kind == kind]

    def recorded(self) -> set[str]:
        """Keys of all networks whose training is recorded."""
        return {key for batch in self.batches("networks") for key in batch.keys}

    def commit(
        self,
        kind: str,
        keys: Iterable[str],
        tables: Mapping[str, Rows],
        tensors: Mapping[str, Arrays],
        identity: str = "",
    ) -> Batch:
        """Put a batch into the store: tables and tensors by folder, then its entry.

        The name is a hash of what the batch is about, so a batch written twice (a
        worker died after writing) is one batch: the first.
        """
        keys = tuple(sorted(keys))
        batch = Batch(digest(kind, identity, *keys, size=12), kind, keys, {})
        known = self.index.known(batch)
        if known is not None:
            return known
        made = {
            f: pa.Table.from_pylist([dict(r) for r in t]) for f, t in tables.items()
        }
        return self.put(batch, made, tensors, self.index.known)

    def put(
        self,
        batch: Batch,
        tables: Mapping[str, pa.Table],
        tensors: Mapping[str, Arrays],
        known: Callable[[Batch], Batch | None],
    ) -> Batch:
        """Write a batch's files and then its entry; nothing is left where that fails.

        ``known``: finds, under the lock, the same batch by another writer.
        """
        files: dict[str, dict[str, Any]] = {}
        batch = batch._replace(files=files)
        try:
            for folder, table in tables.items():
                self._put(files, batch.name, folder, table)
            for folder, arrays in tensors.items():
                self._put(files, batch.name, folder, arrays)
            with self.backend.lock():
                first = known(batch)
                if first is None:
                    write_entry(self.backend, batch)
        except BaseException:
            with suppress(OSError):  # where the place is away the files are swept later
                now = read_entry(self.backend, batch.entry)
                if now is None or now.files != files:
                    self._remove(files)
            raise
        if first is not None:
            self._remove(files)
        return first or batch

    def _put(
        self,
        files: dict[str, dict[str, Any]],
        name: str,
        folder: str,
        what: pa.Table | Arrays,
    ) -> None:
        """Write one file and note it, first, with its fingerprints."""
        ending = "parquet" if isinstance(what, pa.Table) else "safetensors"
        file = f"{folder}/{name}{uuid.uuid4().hex[:8]}.{ending}"
        with self.backend.draft() as draft:
            about: dict[str, Any] = {}
            if isinstance(what, pa.Table):
                pq.write_table(what, draft, compression="zstd")
            else:
                tensorfile.write(draft, what)
                about["head"] = tensorfile.head_of(draft)
            about |= {"sha256": sha256(draft), "bytes": draft.stat().st_size}
            files[file] = about
            self.backend.put(draft, file)

    def _remove(self, files: Iterable[str]) -> None:
        for file in files:
            self.backend.remove(file)

    def table(
        self, kind: str, folder: str, column: str, keys: set[str]
    ) -> pa.Table | None:
        """The rows of all batches of a kind whose ``column`` is among ``keys``.

        A network that two launches trained counts once: all its rows are of the first
        batch that holds it, as its weights are.
        """

        def read() -> list[pa.Table]:
            left, wanted = set(keys), []
            for batch in self.batches(kind):
                here = left.intersection(batch.keys)
                if kind == "networks":
                    left -= here
                file = batch.file(folder)
                if here and file is not None:
                    wanted.append((batch, file, here))
            return self.backend.each(lambda w: self._rows(*w, column=column), wanted)

        parts = [part for part in self._steady(read) if part.num_rows]
        if not parts:  # such as the curves of untrained networks
            return None
        return pa.concat_tables(parts, promote_options="permissive")

    def _rows(self, batch: Batch, file: str, keys: set[str], column: str) -> pa.Table:
        """The rows of some of a batch's networks."""
        table = self.rows(batch, file)
        if table.num_columns and column not in table.column_names:
            raise StoreError(_damaged(self.backend.at(file), f"it has no {column}"))
        if not table.num_rows or len(keys) == len(batch.keys):
            return table
        return table.filter(pc.field(column).isin(pa.array(sorted(keys), pa.string())))

    def rows(self, batch: Batch, file: str) -> pa.Table:
        """A table of a batch.  Raises StoreError when damaged."""
        try:
            data = self.backend.read(file)
            if hashlib.sha256(data).hexdigest() != batch.files[file]["sha256"]:
                raise ValueError("its checksum does not match")
            return pq.read_table(pa.BufferReader(data))
        except FileNotFoundError:
            raise Gone(file) from None
        except (OSError, ValueError, pa.ArrowException) as error:
            raise StoreError(_damaged(self.backend.at(file), str(error))) from None

    def tensors(self, key: str, folder: str = "weights") -> Tensors:
        """One network's tensors, by their names without the key.

        Raises KeyError when the network is not recorded, StoreError when damaged.
        """
        return self.many_tensors([key], folder)[key]

    def many_tensors(
        self, keys: Iterable[str], folder: str = "weights", kind: str | None = None
    ) -> dict[str, Tensors]:
        """Tensors of several networks, each checked; each file is opened once.

        Of a large file only the header and these networks' parts are read.  ``kind``:
        of batches of this kind alone.
        """
        asked = set(keys)

        def read() -> list[dict[str, Tensors]]:
            left, wanted = set(asked), []
            for batch in self.batches(kind):
                file = batch.file(folder)
                if file is not None and (here := left.intersection(batch.keys)):
                    left -= here
                    wanted.append((batch, file, here))
            return self.backend.each(lambda w: self.arrays(*w), wanted)

        return {k: t for some in self._steady(read) for k, t in some.items()}

    def arrays(
        self, batch: Batch, file: str, keys: Iterable[str]
    ) -> dict[str, Tensors]:
        """Tensors of some of a batch's networks.  Raises StoreError when damaged."""
        try:
            with self.backend.open(file) as handle:
                known = batch.files[file]
                same = handle.size() == known.get("bytes", handle.size())
                if "head" not in known:  # an older batch: all of it is read
                    same = sum_of(handle)[1] == known["sha256"]
                if not same:
                    raise ValueError("its checksum does not match")
                tensors = TensorFile(handle)
                if known.get("head", tensors.head) != tensors.head:
                    raise ValueError("its header's checksum does not match")
                return {key: tensors.of(key) for key in sorted(keys)}
        except FileNotFoundError:
            raise Gone(file) from None
        except UNUSABLE as error:
            raise StoreError(_damaged(self.backend.at(file), str(error))) from None

    def _steady(self, read: Callable[[], T]) -> T:
        """Read; where a file has gone, ask the index again: another launch merges."""
        for _ in range(LOOKS):
            try:
                return read()
            except Gone as gone:
                self.index.clear()
                file = str(gone)
                if any(file in batch.files for batch in self.batches()):
                    where = self.backend.at(file)
                    raise StoreError(_damaged(where, "it is missing")) from None
        raise StoreError(f"{self.address}: its files change while they are read")

    def files_of(
        self, keys: Iterable[str], folder: str = "weights", kind: str | None = None
    ) -> dict[str, str]:
        """The file, inside the store, that holds each recorded network's tensors."""
        wanted, found = set(keys), dict[str, str]()
        for batch in self.batches(kind):
            file = batch.file(folder)
            if file is not None:
                for key in wanted.intersection(batch.keys):
                    found.setdefault(key, file)
        return found


def _damaged(path: str, why: str) -> str:
    return (
        f"{path} cannot be read ({why}); `popnet launch` of the sweep again makes its "
        "networks again."
    )
