"""One process at a time writes into a run's folder, and readers never do.

Whoever writes tables, report, findings or MLflow's copy of a run holds the lock on
``.lock`` in the run's folder.  The lock belongs to the operating system, so it ends
with its process, also when that is killed, and it holds on other machines as far as
the file system passes locks on.  The file itself says who holds it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shlex
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from popnet.config import ConfigError
from popnet.runs.provenance import command_line
from popnet.store.atomic_files import lock_file, take_lock

LOCK = ".lock"
LONGEST = 120
"""Most characters of a command that are shown."""
ATTEMPTS, PAUSE_S = 20, 0.05
"""A holder has this many pauses to say who it is."""

_held: ContextVar[frozenset[Path]] = ContextVar("held", default=frozenset())
"""The folders whose locks this thread holds: what it calls may write there too."""


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Hold the lock of a run's folder, or of any folder that one process writes.

    Within this context the same thread may ask for it again.  Raises ConfigError, which
    says who is at work, when somebody else holds the lock.
    """
    place = folder.resolve()
    if place in _held.get():
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with lock_file(folder / LOCK) as handle:
        try:
            take_lock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, folder / LOCK)
        except BlockingIOError:
            raise ConfigError(_busy(folder)) from None
        _sign(handle)
        token = _held.set(_held.get() | {place})
        try:
            yield
        finally:
            _held.reset(token)
            os.ftruncate(handle.fileno(), 0)  # the next holder has not signed yet


def _sign(handle: TextIO) -> None:
    """Write into the lock's file who holds it."""
    about = {
        "command": shlex.join(command_line()),
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(sep=" ", timespec="seconds"),
    }
    os.ftruncate(handle.fileno(), 0)
    os.pwrite(handle.fileno(), (json.dumps(about) + "\n").encode(), 0)


def _busy(folder: Path) -> str:
    """Return the sentence that says who holds the lock of a folder."""
    return f"{folder}: {_holder(folder)} is at work here; wait for it, or stop it."


def _holder(folder: Path) -> str:
    """Return the command, process, machine and start of a lock's holder, in words."""
    for _ in range(ATTEMPTS):
        try:
            about = json.loads((folder / LOCK).read_text())
            command, host = _plain(about["command"]), _plain(about["host"])
            return (
                f"`{command}` (process {int(about['pid'])} on {host}, since "
                f"{_plain(about['since'])})"
            )
        except (OSError, ValueError, KeyError, TypeError):
            time.sleep(PAUSE_S)
    return "another process"


def _plain(text: object) -> str:
    """Return text from a file as one short printable line."""
    line = re.sub(r"[^\x20-\x7e]", "?", str(text))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."
