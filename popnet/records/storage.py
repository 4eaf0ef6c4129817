"""Which place keeps the networks of a folder of runs, and that no link leads out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from popnet.config import ConfigError
from popnet.records.files import write_json
from popnet.records.places import Local, Place, place_of
from popnet.records.remote import Remote

FILE = "storage.json"
OWN = ("store", "artifacts", "mlflow.db", ".store-id", ".store-id.lock", FILE)
"""What launches make in a folder of runs, beside the runs."""


def storage_of(out: Path) -> Place:
    """The place of the networks of a folder of runs: OUT/store if none was named.

    Raises ConfigError when OUT/storage.json is not what a launch writes.
    """
    path = out / FILE
    try:
        where = json.loads(path.read_text())["storage"]
        if not isinstance(where, str):
            raise TypeError
    except (FileNotFoundError, NotADirectoryError):
        return Local(out / "store")
    except (ValueError, KeyError, TypeError):
        raise ConfigError(
            f'{path}: expected {{"storage": "PATH OR URI"}}, the place of the networks '
            "of these runs."
        ) from None
    return place_of(where)


def choose(out: Path, storage: str | None) -> Place:
    """The place for a launch into ``out``.  Raises ConfigError; writes nothing."""
    known = storage_of(out)
    place = known if storage is None else place_of(storage)
    if isinstance(place, Remote):
        place.reach()
    settled = (out / FILE).is_file() or any(
        known.listed(f) for f in ("index", "merged")
    )
    if settled and place.address != known.address:
        raise ConfigError(
            f"{out} keeps its networks in {known.address}; --storage {storage} would "
            "hide them. Leave --storage away, or choose another --out. (If they were "
            f"moved there, name the new place in {out / FILE}.)"
        )
    return place


def remember(out: Path, place: Place) -> None:
    """Note in ``out`` where its networks lie, unless it is OUT/store."""
    if not (out / FILE).is_file() and place.address != Local(out / "store").address:
        write_json(out / FILE, {"storage": place.address})


def refuse_ways_out(out: Path, name: str, place: Place) -> None:
    """Refuse links in the run's folder or the store that lead out of them.

    ``out`` itself may be a link.  Raises ConfigError; changes nothing.
    """
    for path in (out / name, *(out / own for own in OWN)):
        _inside(path, out, " For another place of the networks use --storage.")
    for folder, below, files in os.walk(out / name):
        for found in (*below, *files):
            _inside(Path(folder) / found, out / name)
    if isinstance(place, Local):
        for path in _parts(place.folder):
            _inside(path, place.folder)


def _parts(folder: Path) -> Iterator[Path]:
    """The store's folders and lock; of the files in them, links are not read."""
    return folder.iterdir() if folder.is_dir() else iter(())


def _inside(path: Path, folder: Path, advice: str = "") -> None:
    if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
        raise ConfigError(
            f"{path} is a link that leads out of {folder}, to {path.resolve()}; "
            f"remove it.{advice}"
        )
