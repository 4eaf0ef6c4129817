"""Reads a file that a user named, if it is an ordinary file and not too large."""

from __future__ import annotations

import os
import stat
from pathlib import Path


class NotAFile(OSError):
    """The path is a folder, a device, a pipe or too large; ``strerror`` says which."""


def read_plain(path: Path, largest: int) -> bytes:
    """Return the bytes of a file of at most ``largest`` bytes.

    A pipe would keep its reader waiting for ever, and a device has no end.  Raises
    OSError, whose ``strerror`` says why, when the file cannot be read.
    """
    # it is opened before it is checked: the path may lead elsewhere in between
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        about = os.fstat(handle)
        if stat.S_ISDIR(about.st_mode):
            raise NotAFile(0, "a folder", str(path))
        if not stat.S_ISREG(about.st_mode):
            raise NotAFile(0, "not a file of its own", str(path))
        data = b"" if about.st_size > largest else file.read(largest + 1)
        if about.st_size > largest or len(data) > largest:
            raise NotAFile(0, f"larger than {largest:,} bytes", str(path))
        return data
