"""Where a store lies: a folder that all machines see, or an object store.

A place offers the few operations that the store needs.  Names are FOLDER/FILE; a file
is put whole or not at all, and of what is put nothing is changed afterwards.
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
"""Age at which what a killed writer left is taken away: a file takes minutes."""


class Listed(NamedTuple):
    """A file of a place."""

    bytes: int
    modified: float
    """Seconds since 1970 by the place's clock; infinite where it does not say."""


class Backend(Protocol):
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


def checked(name: str) -> str:
    """A name that stays inside its place."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a file in a store")
    return name
