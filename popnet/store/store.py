"""The store keeps all networks trained into one folder or bucket, by key, in batches.

A batch is a set of files and one entry in ``index/``, which names them with their
checksums.  The entry is written last: a batch exists when its entry does.  Batches
are never changed; when two are the same, the first stays.  Several launches may write
at once, and a network that two of them trained counts once.  ``store/audit.py`` finds
damaged batches, and ``store/compaction.py`` merges many small ones.

    index/B.json    weights/BU.safetensors    networks/BU.parquet   curves/BU.parquet
    evaluations/BU.parquet   dynamics/BU.parquet   responses/BU.safetensors
    measures/BU.parquet   trajectories/BU.safetensors   prepared/BU.safetensors
    comparisons/BU.parquet
    merged/B.json   the entry of a batch that others were merged into
    checkpoints/SHARD.safetensors   networks in training

B is a hash of the batch's kind and keys; U is eight random digits of each writer.
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
READ_ATTEMPTS = 10
"""Times a reader tries again when compaction has deleted the file it needs."""


class Store:
    """A store for reading and for adding batches.  Opening it creates nothing.

    ``location`` is a path, a URI or a backend.
    """

    def __init__(self, location: str | Path | Backend) -> None:
        self.backend = backend_of(location)
        self.index = Index(self.backend)

    @property
    def address(self) -> str:
        """The path or URI with which any process opens this store."""
        return self.backend.address

    @property
    def folder(self) -> Path:
        """The store's folder.  Raises StoreError when it is an object store."""
        if not isinstance(self.backend, LocalDisk):
            raise StoreError(f"{self.address} is no folder")
        return self.backend.folder

    def batches(self, kind: str | None = None) -> list[Batch]:
        """Return the readable batches: merged ones first, then by name."""
        return [b for b in self.index.batches() if kind is None or b.kind == kind]

    def refuse_unreadable(self) -> None:
        """Raise StoreError when an entry of the index is damaged.

        The store then holds records that nobody can find.
        """
        unreadable = set(self.index.refresh())
        if not unreadable:
            return
        # one that was merged meanwhile is gone by now
        for entry in sorted(unreadable.intersection(self.index.refresh())):
            raise StoreError(_damaged(self.backend.at(entry), "it is damaged"))

    def recorded(self) -> set[str]:
        """Return the keys of all networks whose training is recorded."""
        return {key for batch in self.batches("networks") for key in batch.keys}

    def commit(
        self,
        kind: str,
        keys: Iterable[str],
        tables: Mapping[str, Rows],
        tensors: Mapping[str, Arrays],
        identity: str = "",
    ) -> Batch:
        """Write a batch: its tables and tensors, given by folder, then its entry.

        A batch's name is a hash of kind, ``identity`` and keys.  When a batch is
        written twice (a worker died after writing), the first one is returned.
        """
        keys = tuple(sorted(keys))
        batch = Batch(digest(kind, identity, *keys, size=12), kind, keys, {})
        existing = self.index.existing(batch)
        if existing is not None:
            return existing
        arrow = {
            f: pa.Table.from_pylist([dict(r) for r in t]) for f, t in tables.items()
        }
        return self.put(batch, arrow, tensors, self.index.existing)

    def put(
        self,
        batch: Batch,
        tables: Mapping[str, pa.Table],
        tensors: Mapping[str, Arrays],
        find_existing: Callable[[Batch], Batch | None],
    ) -> Batch:
        """Write a batch's files and then its entry; a failure leaves nothing behind.

        ``find_existing`` is called under the lock and returns the same batch as another
        writer wrote it, or None.
        """
        files: dict[str, dict[str, Any]] = {}
        batch = batch._replace(files=files)
        try:
            for folder, table in tables.items():
                self._put(files, batch.name, folder, table)
            for folder, arrays in tensors.items():
                self._put(files, batch.name, folder, arrays)
            with self.backend.lock():
                first = find_existing(batch)
                if first is None:
                    write_entry(self.backend, batch)
        except BaseException:
            with suppress(OSError):  # compaction deletes what cannot be deleted now
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
        content: pa.Table | Arrays,
    ) -> None:
        """Write one file; its checksums are in ``files`` before it is stored."""
        ending = "parquet" if isinstance(content, pa.Table) else "safetensors"
        file = f"{folder}/{name}{uuid.uuid4().hex[:8]}.{ending}"
        with self.backend.draft() as draft:
            about: dict[str, Any] = {}
            if isinstance(content, pa.Table):
                pq.write_table(content, draft, compression="zstd")
            else:
                tensorfile.write(draft, content)
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
        """Return the rows of a kind whose ``column`` is among ``keys``; None if none.

        A network that two launches trained counts once: its rows, like its weights,
        come from the first batch that holds it.  Raises StoreError when damaged.
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

        parts = [part for part in self._retried(read) if part.num_rows]
        if not parts:  # such as the curves of untrained networks
            return None
        return pa.concat_tables(parts, promote_options="permissive")

    def _rows(self, batch: Batch, file: str, keys: set[str], column: str) -> pa.Table:
        """Return the rows of a batch that belong to ``keys``."""
        table = self.rows(batch, file)
        if table.num_columns and column not in table.column_names:
            raise StoreError(_damaged(self.backend.at(file), f"it has no {column}"))
        if not table.num_rows or len(keys) == len(batch.keys):
            return table
        return table.filter(pc.field(column).isin(pa.array(sorted(keys), pa.string())))

    def rows(self, batch: Batch, file: str) -> pa.Table:
        """Return a whole table of a batch.  Raises StoreError when damaged."""
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
        """Return one network's tensors by name.

        Raises KeyError when the network is not recorded, StoreError when damaged.
        """
        return self.many_tensors([key], folder)[key]

    def many_tensors(
        self, keys: Iterable[str], folder: str = "weights", kind: str | None = None
    ) -> dict[str, Tensors]:
        """Return the tensors of several networks by key, with their checksums checked.

        Each file is opened once, and only its header and these networks' parts are
        read.  ``kind`` limits the search to batches of that kind.  Networks that are
        not recorded are left out.  Raises StoreError when a file is damaged.
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

        return {k: t for part in self._retried(read) for k, t in part.items()}

    def arrays(
        self, batch: Batch, file: str, keys: Iterable[str]
    ) -> dict[str, Tensors]:
        """Return tensors by network from one file.  Raises StoreError when damaged."""
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

    def _retried(self, read: Callable[[], T]) -> T:
        """Call ``read`` again, with a fresh index, when a merge deletes its files."""
        for _ in range(READ_ATTEMPTS):
            try:
                return read()
            except Gone as gone:
                self.index.clear()
                file = str(gone)
                if any(file in batch.files for batch in self.batches()):
                    path = self.backend.at(file)
                    raise StoreError(_damaged(path, "it is missing")) from None
        raise StoreError(f"{self.address}: its files change while they are read")

    def files_of(
        self, keys: Iterable[str], folder: str = "weights", kind: str | None = None
    ) -> dict[str, str]:
        """Return, by key, the path inside the store of each network's tensors."""
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
