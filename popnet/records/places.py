"""Where a store lies: a folder that all machines see, or an object store.

A place offers the few operations that the store needs.  Names are FOLDER/FILE; a file
is put whole or not at all, and of what is put nothing is changed afterwards.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

import pyarrow as pa

from popnet.config import ConfigError
from popnet.records.files import draft_beside, locked

T = TypeVar("T")
R = TypeVar("R")
NAME = re.compile(r"[a-z_]+/(?!\.)[\w.-]+", re.ASCII)
DRAFT = re.compile(r"\..*\.\d+\.[0-9a-f]{8}")
OLD_S = 86400.0
"""Age at which what a killed writer left is taken away: a file takes minutes."""
SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss")


class Listed(NamedTuple):
    """A file of a place."""

    bytes: int
    modified: float
    """Seconds since 1970 by the place's clock; infinite where it does not say."""


class Place(Protocol):
    """What a store needs of where it lies."""

    @property
    def address(self) -> str:
        """The path or URI by which any process opens this place."""
        ...

    def at(self, name: str) -> str:
        """A file's path or URI, for people."""
        ...

    def listed(self, folder: str) -> dict[str, Listed]:
        """The files of a folder by name; none where there is no folder."""
        ...

    def read(self, name: str) -> bytes:
        """A whole file.  Raises FileNotFoundError."""
        ...

    def open(self, name: str) -> pa.NativeFile:
        """A file to read parts of.  Raises FileNotFoundError."""
        ...

    def draft(self) -> AbstractContextManager[Path]:
        """A local path to write a file under; gone afterwards unless put."""
        ...

    def put(self, draft: Path, name: str) -> None:
        """Make a draft the file of this name: whole, durably, or not at all."""
        ...

    def move(self, name: str, to: str) -> None:
        """Give a file another name.  Raises FileNotFoundError."""
        ...

    def remove(self, name: str) -> None:
        """Take a file away, if it is there."""
        ...

    def lock(self) -> AbstractContextManager[None]:
        """Keep other writers out, where the place can."""
        ...

    def each(self, do: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Do something with each item, several at once where that is quicker."""
        ...

    def tidy(self) -> None:
        """Take away old drafts that killed writers left."""
        ...


def place_of(where: str | Path | Place) -> Place:
    """The place at a path or URI.  Raises ConfigError; connects to nothing yet."""
    from popnet.records.remote import Remote

    if isinstance(where, Path):
        return Local(where)
    if not isinstance(where, str):
        return where
    if "://" not in where:
        return Local(Path(where))
    found = urlsplit(where)
    if found.scheme == "file":
        if found.netloc not in ("", "localhost") or not found.path.strip("/"):
            raise ConfigError(f"storage {where}: expected file:///PATH.")
        return Local(Path(unquote(found.path)))
    if "@" in found.netloc:
        raise ConfigError(
            f"storage {found.scheme}://...: a name or password does not belong in an "
            "address, which is recorded. Give it in the environment "
            "(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) or in ~/.aws/credentials."
        )
    if found.scheme not in SCHEMES and not found.scheme.startswith("fsspec+"):
        raise ConfigError(
            f"storage {where}: {found.scheme}:// is not known; allowed: a path, "
            f"file://, {', '.join(f'{s}://' for s in SCHEMES)}, fsspec+SCHEME://."
        )
    if not (found.netloc or found.scheme.startswith("fsspec+")):
        raise ConfigError(f"storage {where}: expected {found.scheme}://BUCKET/FOLDER.")
    return Remote(where)


def checked(name: str) -> str:
    """A name that stays inside its place."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a file in a store")
    return name


class Local:
    """A folder, of this machine or one that all machines share.

    A file is renamed into place once its data are on the disk; links are not followed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def address(self) -> str:
        """The absolute path."""
        return str(self.folder.resolve())

    def at(self, name: str) -> str:
        """The file's path."""
        return str(self._path(name))

    def _path(self, name: str) -> Path:
        return self.folder / checked(name)

    def listed(self, folder: str) -> dict[str, Listed]:
        """The plain files of a folder; a link is no file of a store."""
        found = {}
        try:
            with os.scandir(self.folder / folder) as entries:
                for entry in entries:
                    plain = entry.is_file(follow_symlinks=False)
                    if plain and not entry.name.startswith("."):
                        with suppress(FileNotFoundError):  # gone since
                            about = entry.stat(follow_symlinks=False)
                            found[entry.name] = Listed(about.st_size, about.st_mtime)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        return found

    def read(self, name: str) -> bytes:
        """A whole file."""
        return self._path(name).read_bytes()

    def open(self, name: str) -> pa.NativeFile:
        """A file as it is now, also if another takes its name meanwhile."""
        return pa.OSFile(str(self._path(name)), "rb")

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """A path in the folder itself: a file is renamed within a file system."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with draft_beside(self.folder / "draft") as part:
            yield part

    def put(self, draft: Path, name: str) -> None:
        """Rename a draft once its data are on the disk."""
        path = self._path(name)
        path.parent.mkdir(exist_ok=True)
        with draft.open("rb") as handle:
            os.fsync(handle.fileno())
        draft.replace(path)

    def move(self, name: str, to: str) -> None:
        """Rename a file."""
        self._path(name).replace(self._path(to))

    def remove(self, name: str) -> None:
        """Take a file away."""
        self._path(name).unlink(missing_ok=True)

    def lock(self) -> AbstractContextManager[None]:
        """Hold the folder's lock; a killed process lets go of it."""
        return locked(self.folder / ".lock")

    def each(self, do: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """One after the other: a disk answers at once."""
        return [do(item) for item in items]

    def tidy(self) -> None:
        """Take away old drafts in the folder and in those below it."""
        now = time.time()
        for path in [*self.folder.glob(".*"), *self.folder.glob("*/.*")]:
            with suppress(FileNotFoundError):
                old = now - path.lstat().st_mtime > OLD_S
                if old and DRAFT.fullmatch(path.name) and path.is_file():
                    path.unlink()
