"""Artifacts of MLflow runs: the files that are attached to them."""

import json
from collections.abc import Callable, Hashable, Iterable, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save_file

if TYPE_CHECKING:
    from popnet.runs import Run

Attach = Callable[[Path], Iterable[tuple[Path, str | None]]]
"""Writes artifacts into a scratch folder; returns (path, folder in MLflow) of each."""


def digest_of(value: object) -> str:
    """Return a hash of a value that JSON can hold."""
    text = json.dumps(value, sort_keys=True)
    return blake2b(text.encode(), digest_size=12).hexdigest()


def no_artifacts(folder: Path) -> list[tuple[Path, str | None]]:  # noqa: ARG001
    """Attach no artifacts."""
    return []


def files_attached(paths: list[tuple[Path, str | None]]) -> Attach:
    """Attach files, each given with its folder in MLflow; missing ones are left out."""

    def attach(folder: Path) -> Iterable[tuple[Path, str | None]]:  # noqa: ARG001
        return [(path, at) for path, at in paths if path.is_file()]

    return attach


def digest_of_files(paths: Iterable[Path]) -> str:
    """Return a hash of the names and contents of the files that exist."""
    known = sorted(p for p in paths if p.is_file())
    return digest_of([(p.name, blake2b(p.read_bytes()).hexdigest()) for p in known])


def weights_attached(
    run: "Run", row: Mapping[Hashable, Any], settings: dict[str, Any]
) -> Attach:
    """Attach one network as safetensors: ``initial.*``, ``final.*``, key, settings."""

    def attach(folder: Path) -> Iterable[tuple[Path, str | None]]:
        network = run.network(row["key"])
        stages = {"initial": network.initial, "final": network.final}
        tensors = {
            # safetensors reads the buffer as it lies, whatever the strides say
            f"{stage}.{name}": np.asarray(array, order="C")
            for stage, arrays in stages.items()
            for name, array in arrays.items()
        }
        metadata = {name: str(row[name]) for name in ("key", "index", "seed")}
        path = folder / "weights.safetensors"
        given = json.dumps(settings, sort_keys=True)
        save_file(tensors, path, {**metadata, "settings": given})
        return [(path, None)]

    return attach
