"""The store: every network ever trained under one folder, by key, in batches.

A batch is a set of files and one entry in ``index/`` naming them with their
checksums.  The entry is written last: a batch exists when its entry does.  Batches
are never changed: of two that are the same the first stays, under a lock.  Several
launches may write at once, and a network that two of them trained counts once.

    index/B.json    weights/B.safetensors    networks/B.parquet   curves/B.parquet
    evaluations/B.parquet   dynamics/B.parquet   responses/B.safetensors
    trajectories/B.safetensors   comparisons/B.parquet
    checkpoints/SHARD.safetensors   networks in training
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from popnet.plan import PHYSICS, digest
from popnet.records.files import locked, sha256, write_atomically, write_json

Arrays = Mapping[str, NDArray[Any]]
Rows = Sequence[Mapping[str, Any]]
FILE = re.compile(r"[a-z_]+/[0-9a-f]+\.(parquet|safetensors)")


class StoreError(RuntimeError):
    """The store is damaged or cannot be used; the text says which file and why."""


class Batch(NamedTuple):
    """One entry of the index."""

    name: str
    kind: str
    """networks, evaluations, trajectories or comparisons."""
    keys: tuple[str, ...]
    files: dict[str, dict[str, Any]]
    """Path inside the store -> {"sha256", "bytes"}."""


class Store:
    """Reads and extends a store.  Opening it creates nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._batches: dict[str, Batch] = {}

    def batches(self, kind: str | None = None) -> list[Batch]:
        """Every whole batch, by name; only new index entries are read."""
        index = self.folder / "index"
        names = {p.stem for p in index.glob("*.json")} if index.is_dir() else set()
        for gone in set(self._batches) - names:
            del self._batches[gone]
        for name in sorted(names - set(self._batches)):
            entry = _read_entry(index / f"{name}.json")
            if entry is not None:
                self._batches[name] = entry
        found = sorted(self._batches.values())
        return [b for b in found if kind is None or b.kind == kind]

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
        """Put a batch on disk: tables and tensors by folder name, then its entry.

        The name is a hash of what the batch is about, so a batch written twice (a
        worker died after writing) is one batch: the first.
        """
        keys = tuple(sorted(keys))
        name = digest(kind, identity, *keys, size=12)
        entry = self.folder / "index" / f"{name}.json"
        with locked(self.folder / ".lock"):
            known = _read_entry(entry)
            if known and all((self.folder / f).is_file() for f in known.files):
                return known
            files = self._write(name, tables, tensors)
            about = {"kind": kind, "keys": list(keys), "files": files}
            about |= {"physics": PHYSICS, "recorded_at": time.time()}
            write_json(entry, about)
        return Batch(name, kind, keys, files)

    def _write(
        self, name: str, tables: Mapping[str, Rows], tensors: Mapping[str, Arrays]
    ) -> dict[str, dict[str, Any]]:
        """Write a batch's files; returns them with their fingerprints."""
        files: dict[str, dict[str, Any]] = {}
        for folder, rows in tables.items():
            path = self.folder / folder / f"{name}.parquet"
            table = pa.Table.from_pylist([dict(row) for row in rows])
            write_atomically(
                path, lambda part, t=table: pq.write_table(t, part, compression="zstd")
            )
            files[f"{folder}/{path.name}"] = _fingerprint(path)
        for folder, arrays in tensors.items():
            path = self.folder / folder / f"{name}.safetensors"
            whole = {k: np.asarray(v, order="C") for k, v in arrays.items()}
            write_atomically(path, lambda part, w=whole: save_file(w, part))
            files[f"{folder}/{path.name}"] = _fingerprint(path)
        return files

    def table(
        self, kind: str, folder: str, column: str, keys: set[str]
    ) -> pa.Table | None:
        """The rows of all batches of a kind whose ``column`` is among ``keys``.

        A network that two launches trained counts once: all its rows are of the first
        batch that holds it, as its weights are.
        """
        left, parts = set(keys), []
        for batch in self.batches(kind):
            path = self.folder / folder / f"{batch.name}.parquet"
            if f"{folder}/{path.name}" not in batch.files:
                continue
            here = left.intersection(batch.keys) if kind == "networks" else left
            if not here:
                continue
            if kind == "networks":
                left -= here
            try:
                table = pq.read_table(path)
            except (OSError, pa.ArrowException) as error:
                raise StoreError(_damaged(path, str(error))) from None
            if column not in table.column_names and table.num_columns:
                raise StoreError(_damaged(path, f"it has no column {column}"))
            if not table.num_rows:  # such as the curves of untrained networks
                continue
            wanted = pa.array(sorted(here), pa.string())
            table = table.filter(pc.field(column).isin(wanted))
            if table.num_rows:
                parts.append(table)
        if not parts:
            return None
        return pa.concat_tables(parts, promote_options="permissive")

    def tensors(self, key: str, folder: str = "weights") -> dict[str, NDArray[Any]]:
        """One network's tensors, by their names without the key.

        Raises KeyError when the network is not recorded, StoreError when damaged.
        """
        for batch in self.batches():
            name = f"{folder}/{batch.name}.safetensors"
            if key not in batch.keys or name not in batch.files:
                continue
            path = self.folder / name
            if not path.is_file():
                raise StoreError(_damaged(path, "it is missing"))
            if sha256(path) != batch.files[name]["sha256"]:
                raise StoreError(_damaged(path, "its checksum does not match"))
            return _tensors_of(path, key)
        raise KeyError(key)

    def many_tensors(
        self, keys: Iterable[str], folder: str = "weights"
    ) -> dict[str, dict[str, NDArray[Any]]]:
        """Tensors of several networks; each file is read once."""
        wanted, found = set(keys), {}
        for batch in self.batches():
            name = f"{folder}/{batch.name}.safetensors"
            here = wanted.intersection(batch.keys) - set(found)
            if here and name in batch.files:
                for key in here:
                    found[key] = _tensors_of(self.folder / name, key)
        return found

    def files_of(self, keys: Iterable[str], folder: str = "weights") -> dict[str, str]:
        """The file, inside the store, that holds each recorded network's tensors."""
        wanted, found = set(keys), dict[str, str]()
        for batch in self.batches():
            name = f"{folder}/{batch.name}.safetensors"
            if name in batch.files:
                for key in wanted.intersection(batch.keys):
                    found.setdefault(key, name)
        return found

    def audit(self, keys: set[str]) -> list[str]:
        """Check every batch that holds these keys; set damaged ones aside.

        Returns one sentence per damaged batch; its networks count as not recorded.
        """
        problems = []
        for batch in self.batches():
            if not keys.intersection(batch.keys):
                continue
            for name, known in batch.files.items():
                path = self.folder / name
                if path.is_file() and sha256(path) == known["sha256"]:
                    continue
                problem = "is missing" if not path.is_file() else "is damaged"
                entry = self.folder / "index" / f"{batch.name}.json"
                with suppress(FileNotFoundError):  # another launch was faster
                    entry.replace(entry.with_suffix(".damaged"))
                self._batches.pop(batch.name, None)
                problems.append(
                    f"{name} {problem}; {len(batch.keys)} records of "
                    f"{batch.kind} will be made again"
                )
                break
        return problems


def _fingerprint(path: Path) -> dict[str, Any]:
    return {"sha256": sha256(path), "bytes": path.stat().st_size}


def _read_entry(path: Path) -> Batch | None:
    """An entry of the index; None when it is torn or not one of popnet's."""
    try:
        entry = json.loads(path.read_text())
        kind, keys, files = entry["kind"], entry["keys"], entry["files"]
        whole = all(FILE.fullmatch(f) and known["sha256"] for f, known in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    texts = isinstance(keys, list) and all(isinstance(t, str) for t in (kind, *keys))
    return Batch(path.stem, kind, tuple(keys), files) if whole and texts else None


def _tensors_of(path: Path, key: str) -> dict[str, NDArray[Any]]:
    try:
        with safe_open(path, framework="numpy") as handle:
            names = [n for n in handle.keys() if n.split("/", 1)[0] == key]  # noqa: SIM118
            if not names:
                raise ValueError(f"it holds nothing of network {key}")
            return {n.split("/", 1)[1]: handle.get_tensor(n) for n in names}
    except (OSError, ValueError, SafetensorError) as error:
        raise StoreError(_damaged(path, str(error))) from None


def _damaged(path: Path, why: str) -> str:
    return (
        f"{path} cannot be read ({why}); `popnet launch` of the sweep again makes its "
        "networks again."
    )
