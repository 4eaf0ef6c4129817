"""Compiled kernels on disk: where they are kept, and how they are found again.

A file holds one function for one signature and one CPU.  Its name is a hash of all
that decides its machine code, and it begins with a checksum: a file made elsewhere is
not looked at, a damaged one is as good as none.  numba's own cache is not used: it
stops at a damaged file, and does not notice that a function which a kernel calls *from
another file* has changed.
"""

from __future__ import annotations

import os
import pickle
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite
import numba
from numba.core import config
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

VERSIONS_KEPT = 8
"""Folders of other versions of the kernels: the least used go when a new one comes."""
CHECKSUM = 32
SETTINGS = (
    "OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "DEBUGINFO_DEFAULT",
    "LLVM_REFPRUNE_PASS", "USING_SVML",
)  # fmt: skip
"""Settings of numba that change machine code; a user may have set NUMBA_OPT=1."""


class Where(NamedTuple):
    """Where this process keeps its kernels."""

    folder: Path | None
    """None: nowhere, so that each process compiles for itself."""
    refused: list[str]
    """The places before it, and why not there."""


@lru_cache
def where() -> Where:
    """The user's folder for caches, or else one among the temporary files."""
    refused: list[str] = []
    for place in (_cache_of_user, _temporary):
        try:
            return Where(_own(place(), _version()), refused)
        except (OSError, RuntimeError) as error:  # RuntimeError: a user without a home
            refused.append(str(error).rpartition("] ")[2])
    return Where(None, refused)


def _version() -> str:
    """A name for the kernels as they are on disk, all files together, and the tools."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    version = sha256(b"\0".join(path.read_bytes() for path in files))
    tools = (numba.__version__, llvmlite.__version__, sys.implementation.cache_tag)
    version.update(repr(tools).encode())
    return f"kernels-{version.hexdigest()[:16]}"


def _cache_of_user() -> Path:
    given = config.CACHE_DIR or os.environ.get("XDG_CACHE_HOME")  # type: ignore[attr-defined]
    return Path(given or Path.home() / ".cache") / "popnet"


def _temporary() -> Path:
    return Path(tempfile.gettempdir()) / f"popnet-{os.getuid()}"


def _own(place: Path, name: str) -> Path:
    """The folder of that name there, made if need be.  Raises OSError."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = place.resolve() / name
    new = not folder.exists()
    folder.mkdir(mode=0o700, exist_ok=True)
    for part in (folder.parent, folder):
        about = part.stat()
        # a file in it can run any code: who may write one there acts in our name
        if about.st_uid != os.getuid() or about.st_mode & 0o022:
            raise PermissionError(1, "others own it or may write in it", str(part))
    tempfile.TemporaryFile(dir=folder).close()
    os.utime(folder)  # used now
    if new:
        with suppress(OSError):  # another process may tidy at the same time
            versions = sorted(folder.parent.glob("kernels-*"), key=os.path.getmtime)
            for old in versions[: -VERSIONS_KEPT - 1]:
                shutil.rmtree(old, ignore_errors=True)
    return folder


@contextmanager
def alone() -> Iterator[None]:
    """One process of this machine at a time; a killed one lets go."""
    import fcntl

    folder = where().folder
    with ExitStack() as held:
        if folder is not None:
            # on a file system without locks, or where the folder has been deleted
            # meanwhile, two processes compile the same: a loss of time alone
            with suppress(OSError):
                handle = held.enter_context((folder / "lock").open("w"))
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class Kept:
    """What numba asks for a function's machine code before it compiles the function."""

    def __init__(self, function: Callable[..., Any], liberties: list[str]) -> None:
        """``liberties``: what the compiler may do with sums and products."""
        self.function, self.liberties = function, liberties
        # read with the function, not when it is first called: it may be edited since
        self.source = b""
        with suppress(OSError):
            self.source = Path(function.__code__.co_filename).read_bytes()
        self.folder = where().folder if self.source else None

    def read(self, signature: Any, context: Any) -> bytes | None:
        """The file's content, where there is one and it is whole."""
        path = self._path(signature, context)
        if path is None:
            return None
        try:
            whole = path.read_bytes()
        except OSError:
            return None
        data = whole[CHECKSUM:]
        return data if sha256(data).digest() == whole[:CHECKSUM] else None

    def _path(self, signature: Any, context: Any) -> Path | None:
        # edited since the process began: what it runs is neither the old nor the new
        if self.folder is None or self.folder.name != _version():
            return None
        closure = self.function.__closure__ or ()
        values = dumps(tuple(cell.cell_contents for cell in closure))
        line = self.function.__code__.co_firstlineno
        cpu = context.codegen().magic_tuple()
        settings = [getattr(config, name, None) for name in SETTINGS]
        of_function = (self.source, line, values, self.liberties, signature)
        what = repr((*of_function, cpu, settings))
        name = f"{self.function.__qualname__}-{sha256(what.encode()).hexdigest()[:32]}"
        return self.folder / name

    def load_overload(self, sig: Any, target_context: Any) -> CompileResult | None:
        """What was compiled before for these arguments, or None."""
        target_context.refresh()
        data = self.read(sig, target_context)
        if data is None:
            return None
        try:
            return CompileResult._rebuild(target_context, *pickle.loads(data))
        except Exception:  # e.g. of a module that cannot be imported under its name
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Put a function just compiled on disk, whole or not at all."""
        path = self._path(sig, data.target_context)
        # code with addresses of this process in it is of no use to another one
        if path is None or data.library.has_dynamic_globals:
            return
        payload = dumps(data._reduce())
        with suppress(OSError):  # a full disk: the kernel is used all the same
            handle, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
            try:
                with open(handle, "wb") as file:
                    file.write(sha256(payload).digest() + payload)
                os.replace(name, path)
            finally:
                Path(name).unlink(missing_ok=True)

    @property
    def cache_path(self) -> str | None:
        """The folder, for numba's own statistics."""
        return None if self.folder is None else str(self.folder)

    def flush(self) -> None:
        """Nothing: files of other sources or CPUs have other names."""
