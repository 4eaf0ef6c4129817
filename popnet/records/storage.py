"""Which place keeps the networks of a folder of runs."""

from __future__ import annotations

import json
from pathlib import Path

from popnet.config import ConfigError
from popnet.config.opening import NotAFile, read_plain
from popnet.config.reading import LARGEST_FILE
from popnet.records.files import write_json
from popnet.records.places import Local, Place, place_of
from popnet.records.remote import Remote

FILE = "storage.json"


def storage_of(out: Path) -> Place:
    """The place of the networks of a folder of runs: OUT/store if none was named.

    Raises ConfigError when OUT/storage.json is not what a launch writes.
    """
    path = out / FILE
    try:
        where = json.loads(read_plain(path, LARGEST_FILE))["storage"]
        if not isinstance(where, str):
            raise TypeError
    except (FileNotFoundError, NotADirectoryError):
        return Local(out / "store")
    except (NotAFile, ValueError, KeyError, TypeError):
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
