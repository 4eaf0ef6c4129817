"""Checkpoints of networks in training, kept in the store and found by network key.

A checkpoint file holds the tensors of a shard's networks, stacked along P.  A relaunch
may split the networks into other shards and still finds each one's last checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from popnet.plan import PHYSICS
from popnet.store import tensorfile
from popnet.store.backend import Backend
from popnet.store.local_disk import LocalDisk
from popnet.store.location import backend_of
from popnet.store.tensorfile import UNUSABLE, Arrays, TensorFile, Tensors

Location = str | Path | Backend


class Loaded(NamedTuple):
    """Checkpoints of networks in training."""

    networks: dict[str, Tensors]
    """Tensors with P = 1 of each network that has a sound checkpoint, by key."""
    notes: tuple[str, ...]
    """A sentence for each file that cannot be used, which says what is done instead."""


def _path(shard: str) -> str:
    return f"checkpoints/{shard}.safetensors"


def _files(backend: Backend) -> list[str]:
    names = sorted(backend.listed("checkpoints"))
    return [f"checkpoints/{n}" for n in names if n.endswith(".safetensors")]


def save(
    store: Location, shard: str, groups: Sequence[tuple[Sequence[str], Arrays]]
) -> None:
    """Write a shard's checkpoint: groups of (keys, tensors stacked along P).

    Every tensor has its own checksum, so ``load`` leaves damaged ones out.
    """
    backend = backend_of(store)
    tensors = {
        f"{number}/{name}": array
        for number, (_, arrays) in enumerate(groups)
        for name, array in arrays.items()
    }
    about = {"physics": PHYSICS, "groups": [list(keys) for keys, _ in groups]}
    with backend.draft() as draft:
        tensorfile.write(draft, tensors, about)
        backend.put(draft, _path(shard))


def drop(store: Location, shard: str) -> None:
    """Delete a shard's checkpoint, once its networks are recorded."""
    backend_of(store).remove(_path(shard))


def tidy(store: Location, recorded: set[str]) -> None:
    """Delete the checkpoints whose networks are all among ``recorded``."""
    backend = backend_of(store)
    for file in _files(backend):
        try:
            with backend.open(file) as handle:
                groups = TensorFile(handle).about["groups"]
            whole = all(key in recorded for keys in groups for key in keys)
        except UNUSABLE:
            continue
        if whole:
            backend.remove(file)


def load(store: Location, keys: Iterable[str]) -> Loaded:
    """Return each network's sound checkpoint with the most trials, where it has one.

    A file that cannot be read is renamed to FILE.damaged and named in ``notes``.
    """
    backend, wanted = backend_of(store), set(keys)
    found: dict[str, Tensors] = {}
    notes: list[str] = []
    for file in _files(backend):
        try:
            here, damaged = _read(backend, file, wanted)
        except FileNotFoundError:
            continue  # its networks were recorded meanwhile
        except UNUSABLE as error:
            notes += _set_aside(backend, file, error)
            continue
        if damaged:
            notes.append(
                f"{file}: the checkpoint of {damaged} networks is damaged; they train "
                "from an earlier one or from the start"
            )
        for key, tensors in here.items():
            if key not in found or _trials(tensors) > _trials(found[key]):
                found[key] = tensors
    return Loaded(found, tuple(notes))


def _set_aside(backend: Backend, file: str, error: Exception) -> list[str]:
    """Rename an unreadable file; return the sentence that says so."""
    if isinstance(error, OSError):
        kept = "it is left as it is"  # a disk or network that is away for now
    else:
        kept = f"it is kept as {file}.damaged"
        try:
            backend.move(file, f"{file}.damaged")
        except FileNotFoundError:
            return []  # another shard was faster
    return [
        f"{file} cannot be read ({error}); {kept}, and its networks train from an "
        "earlier checkpoint or from the start"
    ]


def _trials(tensors: Arrays) -> int:
    return int(tensors["progress.trial_P"][0])


def _read(
    backend: Backend, file: str, wanted: set[str]
) -> tuple[dict[str, Tensors], int]:
    """Return the wanted networks of a file and how many of them are damaged in it."""
    with backend.open(file) as handle:
        tensors = TensorFile(handle)
        about = tensors.about
        if about["physics"] != PHYSICS:
            return {}, 0
        if not wanted.intersection(key for keys in about["groups"] for key in keys):
            return {}, 0
        if isinstance(backend, LocalDisk):
            return _networks(tensors, wanted)
    # an object may be put anew between two ranges: all of it at once
    with suppress(FileNotFoundError), pa.BufferReader(backend.read(file)) as handle:
        return _networks(TensorFile(handle), wanted)
    return {}, 0


def _networks(tensors: TensorFile, wanted: set[str]) -> tuple[dict[str, Tensors], int]:
    found: dict[str, Tensors] = {}
    damaged = 0
    for number, keys in enumerate(tensors.about["groups"]):
        rows = {key: row for row, key in enumerate(keys) if key in wanted}
        if not rows:
            continue
        prefix = f"{number}/"
        names = [n for n in tensors.sums if n.startswith(prefix)]
        try:
            arrays = tensors.get(names)
        except UNUSABLE:
            damaged += len(rows)
            continue
        for key, row in rows.items():
            network = {n.removeprefix(prefix): a[[row]] for n, a in arrays.items()}
            _trials(network)  # raises where there is no such row or tensor
            found[key] = network
    return found, damaged
