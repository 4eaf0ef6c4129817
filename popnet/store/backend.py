"""The backend of a store: a folder that all machines see, or an object store.

A backend offers the few file operations that the store needs.  File names are
FOLDER/FILE.  A file is written whole or not at all and is never changed afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

import pyarrow as pa

T = TypeVar("T")
R = TypeVar("R")
NAME = re.compile(r"[a-z_]+/(?!\.)[\w.-]+", re.ASCII)
OLD_S = 86400.0
"""Age at which a killed writer's files are deleted; writing a file takes minutes."""


class Listed(NamedTuple):
    """Size and age of one file in a backend."""

    bytes: int
    modified: float
    """Seconds since 1970 by the backend's clock; infinite when it is not known."""


class Backend(Protocol):
    """The file operations that a store needs."""

    @property
    def address(self) -> str:
        """The path or URI with which any process opens this backend."""
        ...

    def at(self, name: str) -> str:
        """Return a file's path or URI, to be shown to people."""
        ...

    def listed(self, folder: str) -> dict[str, Listed]:
        """Return the files of a folder by name; empty when there is no folder."""
        ...

    def read(self, name: str) -> bytes:
        """Return a whole file.  Raises FileNotFoundError."""
        ...

    def open(self, name: str) -> pa.NativeFile:
        """Open a file to read parts of it.  Raises FileNotFoundError."""
        ...

    def draft(self) -> AbstractContextManager[Path]:
        """Yield a local path to write to; the file is deleted unless it was ``put``."""
        ...

    def put(self, draft: Path, name: str) -> None:
        """Store a draft under this name, durably and whole or not at all."""
        ...

    def move(self, name: str, to: str) -> None:
        """Rename a file.  Raises FileNotFoundError."""
        ...

    def remove(self, name: str) -> None:
        """Delete a file; a missing one is no error."""
        ...

    def lock(self) -> AbstractContextManager[None]:
        """Keep other writers out, where the backend has locks."""
        ...

    def each(self, do: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Return ``do`` of each item, in order; several may run at once."""
        ...

    def tidy(self) -> None:
        """Delete old drafts that killed writers left."""
        ...


def checked(name: str) -> str:
    """Return the name.  Raises ValueError when it could lead out of the backend."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a file in a store")
    return name
