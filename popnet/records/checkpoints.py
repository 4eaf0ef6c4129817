"""Networks in training, on disk: found again by key, whoever trained them.

A checkpoint file holds some networks' tensors stacked along P; a relaunch may split
the networks into other shards and still finds each one's latest checkpoint.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from popnet.plan import PHYSICS
from popnet.records.files import write_atomically

Arrays = Mapping[str, NDArray[Any]]
UNUSABLE = (
    OSError, ValueError, KeyError, TypeError, AttributeError, IndexError,
    SafetensorError,
)  # fmt: skip
"""What reading a torn, damaged or foreign file raises."""


def _folder(store: Path) -> Path:
    return store / "checkpoints"


def save(
    store: Path, shard: str, groups: Sequence[tuple[Sequence[str], Arrays]]
) -> None:
    """Write a shard's checkpoint: groups of (keys, stacked tensors).

    Every tensor carries a checksum of its own; a damaged one is not used.
    """
    tensors: dict[str, NDArray[Any]] = {}
    about: dict[str, Any] = {"physics": PHYSICS, "groups": []}
    for number, (keys, arrays) in enumerate(groups):
        about["groups"].append(list(keys))
        for name, array in arrays.items():
            tensors[f"{number}/{name}"] = np.ascontiguousarray(array)
    about["sums"] = {n: _sum(a) for n, a in tensors.items()}
    write_atomically(
        _folder(store) / f"{shard}.safetensors",
        lambda part: save_file(tensors, part, {"popnet": json.dumps(about)}),
    )


def _sum(array: NDArray[Any]) -> int:
    return zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def drop(store: Path, shard: str) -> None:
    """Forget a shard's checkpoint; its networks are recorded."""
    (_folder(store) / f"{shard}.safetensors").unlink(missing_ok=True)


def tidy(store: Path, recorded: set[str]) -> None:
    """Forget checkpoints all of whose networks are recorded."""
    folder = _folder(store)
    for path in sorted(folder.glob("*.safetensors")) if folder.is_dir() else []:
        try:
            with safe_open(path, framework="numpy") as handle:
                groups = json.loads(handle.metadata()["popnet"])["groups"]
            whole = all(key in recorded for keys in groups for key in keys)
        except UNUSABLE:
            continue
        if whole:
            path.unlink(missing_ok=True)


def load(store: Path, keys: Iterable[str]) -> dict[str, dict[str, NDArray[Any]]]:
    """The furthest checkpoint of each of these networks that has one: P = 1 tensors."""
    wanted = set(keys)
    found: dict[str, dict[str, NDArray[Any]]] = {}
    folder = _folder(store)
    for path in sorted(folder.glob("*.safetensors")) if folder.is_dir() else []:
        try:
            here = _read(path, wanted)
        except UNUSABLE:
            continue  # torn or foreign: these networks train from the start
        for key, tensors in here.items():
            if key not in found or _trials(tensors) > _trials(found[key]):
                found[key] = tensors
    return found


def _trials(tensors: Arrays) -> int:
    return int(tensors["progress.trial_P"][0])


def _read(path: Path, wanted: set[str]) -> dict[str, dict[str, NDArray[Any]]]:
    found: dict[str, dict[str, NDArray[Any]]] = {}
    with safe_open(path, framework="numpy") as handle:
        about = json.loads(handle.metadata()["popnet"])
        if about["physics"] != PHYSICS:
            return {}
        for number, keys in enumerate(about["groups"]):
            rows = {key: row for row, key in enumerate(keys) if key in wanted}
            if not rows:
                continue
            names = [n for n in about["sums"] if n.split("/", 1)[0] == str(number)]
            arrays = {n.split("/", 1)[1]: handle.get_tensor(n) for n in names}
            if any(_sum(arrays[n.split("/", 1)[1]]) != about["sums"][n] for n in names):
                continue
            for key, row in rows.items():
                found[key] = {n: a[[row]] for n, a in arrays.items()}
                _trials(found[key])  # raises where there is no such row or tensor
    return found
