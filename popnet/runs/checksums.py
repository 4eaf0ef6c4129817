"""The checksums of a run's files, kept in its ``checksums.json``.

A file that ``checksums.json`` names is read only when it is as popnet wrote it; a file
it does not name, such as one of an older popnet, is read as it is.  While a file is
replaced, both its old and its new checksum are listed, so that a reader and a killed
writer find one of two whole files.  There is one writer at a time: see ``writing``.
The report's files are in the note of ``fingerprint`` instead: no command reads them.

    {"checksum": of the rest, "files": {"networks.parquet": [SHA-256, ...], ...}}
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from popnet.config import ConfigError
from popnet.config.plain_file import read_plain
from popnet.store.atomic_files import draft_beside, sha256, write_json

NAME = "checksums.json"
READ_ATTEMPTS = 5
"""Times a reader tries again when a writer replaces the file it reads."""
Write = Callable[[Path], object]
"""Fills the file at a path."""


class Damaged(ConfigError):
    """A file of a run is not as popnet wrote it."""


def write_files(folder: Path, contents: Mapping[str, Write]) -> None:
    """Write files of a run's folder with their checksums, each whole or not at all.

    All of them are written before the first one gets its name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as drafts:
        parts: dict[str, Path] = {}
        for name, write in contents.items():
            part = drafts.enter_context(draft_beside(folder / name))
            write(part)
            with part.open("rb") as handle:
                os.fsync(handle.fileno())
            parts[name] = part
        new = {name: sha256(part) for name, part in parts.items()}
        known = _known_or_none(folder)
        both = {name: [*_present(folder, name, known), new[name]] for name in parts}
        _write_sums(folder, known | both)
        for name, part in parts.items():
            part.replace(folder / name)
        _write_sums(folder, known | {name: [sum_] for name, sum_ in new.items()})


def write_checked_text(folder: Path, name: str, text: str) -> None:
    """Write a text file of a run's folder with its checksum."""
    data = text.encode()
    write_files(folder, {name: lambda part: part.write_bytes(data)})


def write_checked_json(folder: Path, name: str, value: Any) -> None:
    """Write a JSON file of a run's folder with its checksum."""
    text = json.dumps(value, indent=1, sort_keys=True) + "\n"
    write_checked_text(folder, name, text)


def read_checked(folder: Path, name: str, largest: int | None = None) -> bytes:
    """Return the bytes of a run's file once its checksum is right.

    Raises Damaged when it is not as popnet wrote it, and OSError when it cannot be
    read.
    """
    for _ in range(READ_ATTEMPTS):
        known = _sums(folder)
        room = (folder / name).stat().st_size if largest is None else largest
        data = read_plain(folder / name, room)
        sums = known.get(name)
        if sums is None or hashlib.sha256(data).hexdigest() in sums:
            return data
        if _sums(folder) == known:
            break
    raise Damaged(
        f"{folder / name} is damaged: it is not as popnet wrote it. `popnet launch` of "
        "the sweep again mends it."
    )


def refuse_damaged(path: Path) -> None:
    """Raise Damaged when a given file is one of a run and not as popnet wrote it.

    A sweep file that was changed by hand in a run's folder is refused too.
    """
    if not (path.parent / NAME).is_file() or not path.is_file():
        return
    try:
        read_checked(path.parent, path.name)
    except Damaged:
        raise Damaged(
            f"{path} is not as the launch wrote it: it is damaged, or was changed by "
            "hand. Launch your own sweep file, or a copy of this one elsewhere."
        ) from None


def set_damaged_aside(folder: Path) -> list[str]:
    """Rename the damaged files of a run to FILE.damaged; return a sentence for each."""
    try:
        known = _sums(folder)
    except Damaged:
        (folder / NAME).replace(folder / f"{NAME}.damaged")
        return [f"{folder / NAME} was damaged; tables and report are made again."]
    notes = []
    for name in known:
        path = folder / name
        try:
            read_checked(folder, name)
        except FileNotFoundError:
            continue
        except Damaged:
            path.replace(path.with_name(f"{name}.damaged"))
            notes.append(f"{path} was damaged; {REMEDIES.get(name, REMADE)}.")
    return notes


REMADE = "it is written anew"
REMEDIES = {
    "findings.json": "`popnet study` of the sweep again judges its claims",
    "search.json": "the search begins anew, and what was trained is not trained again",
    "provenance.json": "it is written anew, without the launches before this one",
}
"""What becomes of a damaged file, where it is more than written anew."""


def _sums(folder: Path) -> dict[str, list[str]]:
    """Return the checksums of a run's files by name; {} when there are none."""
    try:
        about = json.loads(read_plain(folder / NAME, 2**20))
        files: dict[str, list[str]] = about["files"]
        if about["checksum"] != _checksum(files):
            raise ValueError
        return files
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise Damaged(
            f"{folder / NAME} is damaged, so the run's files cannot be checked. "
            "`popnet launch` of the sweep again mends it."
        ) from None


def _known_or_none(folder: Path) -> dict[str, list[str]]:
    try:
        return _sums(folder)
    except Damaged:
        return {}


def _present(folder: Path, name: str, known: Mapping[str, list[str]]) -> list[str]:
    """Return the checksums that the present file may have."""
    if name in known:
        return known[name][-2:]
    return [sha256(folder / name)] if (folder / name).is_file() else []


def _write_sums(folder: Path, files: dict[str, list[str]]) -> None:
    write_json(folder / NAME, {"files": files, "checksum": _checksum(files)})


def _checksum(files: Mapping[str, list[str]]) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
