"""Workers run the code of the launch: popnet's own, and what it computes with.

Ray puts the working directory first on the path of every worker.  Here it is taken off
again, the workers of a local Ray are led to the very popnet that launches, and every
worker compares its code with that of the launch before it does anything.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from popnet.import_path import is_working_directory

FOLDER = Path(__file__).parents[1]
"""The popnet that this process has imported."""
PACKAGES = ("torch", "numpy", "scipy", "numba", "llvmlite", "safetensors", "pyarrow")
"""Packages whose version decides what a worker computes and stores."""


class OtherCode(RuntimeError):
    """This machine would run other code than the launch."""


class Code(NamedTuple):
    """What a process runs."""

    sources: str
    """A hash of popnet's source files."""
    versions: tuple[str, ...]
    """Of Python and the packages, as "NAME VERSION"."""


@lru_cache
def code_here() -> Code:
    """Return the code of this process."""
    sources = sha256()
    # commands run in no worker, and stand elsewhere in a checkout
    for path in sorted(FOLDER.rglob("*.py")):
        name = path.relative_to(FOLDER)
        if name.parts[0] != "cli":
            sources.update(f"{name}\0".encode() + sha256(path.read_bytes()).digest())
    python = f"python {sys.version_info.major}.{sys.version_info.minor}"
    return Code(sources.hexdigest(), (python, *map(_versioned, PACKAGES)))


def _versioned(package: str) -> str:
    """Name a package's version, whatever accelerator it was built for (+cu126)."""
    try:
        return f"{package} {version(package).partition('+')[0]}"
    except PackageNotFoundError:
        return f"{package} missing"


def difference(launched: Code, here: Code) -> str | None:
    """Say in what ``here`` is other code than that of the launch; None if it is not."""
    for wanted, found in zip(launched.versions, here.versions, strict=True):
        if wanted != found:
            return f"has {found}, the launch {wanted}"
    if launched.sources != here.sources:
        return f"has another popnet in {FOLDER} than the launch"
    return None


def need_same(launched: Code) -> None:
    """Raise OtherCode unless this process runs the code of the launch."""
    other = difference(launched, code_here())
    if other is not None:
        raise OtherCode(f"machine {platform.node()} {other}")


def other_code(launched: Code) -> str | None:
    """Return in what this process runs other code; called on each machine."""
    return difference(launched, code_here())


def job_config() -> Any:
    """Return settings of a job of Ray whose workers get no folder of the driver's."""
    from ray.job_config import JobConfig

    class OwnPathOnly(JobConfig):
        def _serialize(self) -> Any:
            # the working directory and the folder of the script, both put first
            self._py_driver_sys_path: list[str] = []
            return super()._serialize()

    return OwnPathOnly()


def path_to_this_popnet() -> dict[str, str]:
    """Return a PYTHONPATH by which a process imports this popnet.

    It leads to nothing that lies beside the sweep.
    """
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    kept = [os.path.abspath(e) for e in entries if e and not is_working_directory(e)]
    return {"PYTHONPATH": os.pathsep.join([_copied(), *kept])}


@lru_cache(maxsize=1)
def _copied() -> str:
    """Return a folder with a copy of popnet, which is there until the process ends."""
    import atexit

    code_here()  # of the same moment
    folder = tempfile.mkdtemp(prefix="popnet-code-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # times are kept, so that what Python has compiled is of use
    shutil.copytree(FOLDER, Path(folder) / "popnet")
    return folder
