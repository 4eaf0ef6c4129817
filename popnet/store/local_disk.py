"""The backend that is a folder, local or shared by all machines."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from popnet.store.atomic_files import draft_beside, locked
from popnet.store.backend import OLD_S, Listed, checked

T = TypeVar("T")
R = TypeVar("R")
DRAFT = re.compile(r"\..*\.\d+\.[0-9a-f]{8}")


class LocalDisk:
    """A folder, local or shared by all machines.

    A file gets its name once its data are on the disk.  Links are not followed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def address(self) -> str:
        """The absolute path."""
        return str(self.folder.resolve())

    def at(self, name: str) -> str:
        """Return the file's path."""
        return str(self._path(name))

    def _path(self, name: str) -> Path:
        return self.folder / checked(name)

    def listed(self, folder: str) -> dict[str, Listed]:
        """Return the plain files of a folder; links are left out."""
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
        """Return a whole file."""
        return self._path(name).read_bytes()

    def open(self, name: str) -> pa.NativeFile:
        """Open a file; the handle keeps it even if another file takes its name."""
        return pa.OSFile(str(self._path(name)), "rb")

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """Yield a path in the folder: files can be renamed only in one file system."""
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
        """Delete a file; a missing one is no error."""
        self._path(name).unlink(missing_ok=True)

    def lock(self) -> AbstractContextManager[None]:
        """Hold the folder's lock; the lock ends with its process."""
        return locked(self.folder / ".lock")

    def each(self, do: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Return ``do`` of each item, one after the other: a disk answers at once."""
        return [do(item) for item in items]

    def tidy(self) -> None:
        """Delete old drafts in the folder and in its subfolders."""
        now = time.time()
        for path in [*self.folder.glob(".*"), *self.folder.glob("*/.*")]:
            with suppress(FileNotFoundError):
                old = now - path.lstat().st_mtime > OLD_S
                if old and DRAFT.fullmatch(path.name) and path.is_file():
                    path.unlink()
