"""Files are written whole or not at all; locks and checksums of files."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from popnet.config import ConfigError

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""Errors of file systems without locks."""


def is_full(error: OSError) -> bool:
    """Return True when the error says that the disk or the user's quota is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def draft_beside(path: Path) -> Iterator[Path]:
    """Yield a unique draft path beside ``path``; a draft left there is deleted."""
    part = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a draft beside ``path``, then rename the draft to ``path``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with draft_beside(path) as part:
        write(part)
        with part.open("rb") as handle:
            os.fsync(handle.fileno())
        part.replace(path)


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes whole or not at all."""

    def write(part: Path) -> None:
        part.write_bytes(data)

    write_atomically(path, write)


def write_text(path: Path, text: str) -> None:
    """Write text whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole or not at all."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on ``path``; the lock ends with its process."""
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    with lock_file(path) as handle:
        take_lock(handle, fcntl.LOCK_EX, path)
        yield


def lock_file(path: Path) -> TextIO:
    """Open a lock file and create it if it is missing.  Raises OSError for a link."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    return os.fdopen(os.open(path, flags, 0o644), "w")


def take_lock(handle: TextIO, how: int, path: Path) -> None:
    """Take a lock on the open file at ``path``.

    Raises BlockingIOError when it is held and need not be waited for, and ConfigError
    when the file system has no locks.
    """
    import fcntl

    try:
        fcntl.flock(handle, how)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        raise ConfigError(
            f"{path}: this file system has no locks ({error.strerror}), so "
            "popnet cannot keep a second writer out; give another --out (and "
            "--storage), or have it mounted with locks."
        ) from None


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
