"""The backend that is an object store, reached through pyarrow's file systems."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cached_property
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa

from popnet.config import ConfigError
from popnet.store.atomic_files import draft_beside
from popnet.store.backend import Listed, checked

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

T = TypeVar("T")
R = TypeVar("R")
AT_ONCE = 16
"""Requests sent at once; each takes some 10 to 100 ms."""


class ObjectStore:
    """A folder of an object store, reached through pyarrow's file systems.

    There is no lock, and none is needed: an object appears whole with its PUT, every
    file has a unique name, and when two writers commit the same batch at once, the
    later writer's entry stays and names that writer's own files.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri

    @property
    def address(self) -> str:
        """The URI."""
        return self.uri

    @cached_property
    def _opened(self) -> tuple[FileSystem, str]:
        from pyarrow.fs import FileSystem

        try:
            system, base = FileSystem.from_uri(self.uri)
        except (OSError, ValueError, ImportError, pa.ArrowException) as error:
            first = str(error).splitlines()[0]
            raise ConfigError(f"storage {self.uri}: {first}") from None
        return system, base.rstrip("/")

    def __getstate__(self) -> dict[str, Any]:
        return {"uri": self.uri}  # a connection is each process's own

    def at(self, name: str) -> str:
        """Return the file's URI."""
        head, mark, query = self.uri.partition("?")
        return f"{head.rstrip('/')}/{checked(name)}{mark}{query}"

    def _path(self, name: str) -> tuple[FileSystem, str]:
        system, base = self._opened
        return system, f"{base}/{checked(name)}"

    def reach(self) -> None:
        """Ask for the bucket.  Raises ConfigError when it does not answer or exist."""
        from pyarrow.fs import FileType

        system, base = self._opened
        bucket = base.partition("/")[0]
        try:
            known = not bucket or system.get_file_info(bucket).type
        except OSError as error:
            first = str(error).splitlines()[0][:300]
            raise ConfigError(f"storage {self.uri}: cannot be used: {first}") from None
        if known == FileType.NotFound:
            raise ConfigError(
                f"storage {self.uri}: there is no bucket {bucket!r}; make it first."
            )

    def listed(self, folder: str) -> dict[str, Listed]:
        """Return the objects of a folder by name."""
        from pyarrow.fs import FileSelector, FileType

        system, base = self._opened
        found = system.get_file_info(
            FileSelector(f"{base}/{folder}", allow_not_found=True)
        )
        return {
            f.base_name: Listed(f.size or 0, f.mtime_ns / 1e9 if f.mtime_ns else inf)
            for f in found
            if f.type == FileType.File and not f.base_name.startswith(".")
        }

    def read(self, name: str) -> bytes:
        """Return a whole object, as one PUT wrote it."""
        system, path = self._path(name)
        with system.open_input_stream(path) as handle:
            return handle.read()

    def open(self, name: str) -> pa.NativeFile:
        """Open an object; its parts are read by range requests."""
        system, path = self._path(name)
        return system.open_input_file(path)

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """Yield a path among this machine's temporary files."""
        with draft_beside(Path(tempfile.gettempdir()) / "popnet") as part:
            yield part

    def put(self, draft: Path, name: str) -> None:
        """Upload a draft.  Raises OSError when only a part of it arrived."""
        system, path = self._path(name)
        if system.type_name not in ("s3", "gcs", "abfs"):  # where folders are real
            system.create_dir(path.rpartition("/")[0], recursive=True)
        with pa.memory_map(str(draft)) as handle:
            whole = handle.read_buffer()
            # one write: a stream that is closed after half of it would be an object
            stream = system.open_output_stream(path)
            stream.write(whole)
            stream.close()
        arrived = system.get_file_info(path).size
        if arrived != whole.size:
            raise OSError(f"{self.at(name)}: {arrived} of {whole.size} bytes arrived")

    def move(self, name: str, to: str) -> None:
        """Copy an object to another name and delete the original."""
        system, path = self._path(name)
        target = self._path(to)[1]
        self._check_exists(system, path)
        system.move(path, target)

    @staticmethod
    def _check_exists(system: FileSystem, path: str) -> None:
        from pyarrow.fs import FileType

        if system.get_file_info(path).type == FileType.NotFound:
            raise FileNotFoundError(path)

    def remove(self, name: str) -> None:
        """Delete an object; a missing one is no error."""
        system, path = self._path(name)
        with suppress(FileNotFoundError):
            system.delete_file(path)

    def lock(self) -> AbstractContextManager[None]:
        """Return a lock that does nothing: an object store has none."""
        return nullcontext()

    def each(self, do: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Return ``do`` of each item; several wait for their replies at once."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(do, items))

    def tidy(self) -> None:
        """Do nothing: drafts lie among the machine's temporary files."""
