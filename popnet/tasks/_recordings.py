"""A user's own recordings for a task, from a file of numpy's."""

from __future__ import annotations

import io
import zlib
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.lib.npyio import NpzFile

from popnet.config import Inconsistent
from popnet.config.plain_file import NotAFile, read_plain
from popnet.tasks._trials import Array

NAMES = ("targets", "inputs")
LARGEST = 2**30
"""Bytes of a file, and of what it unpacks to."""


class Recordings(NamedTuple):
    """What a file holds.  C conditions, S samples, I inputs, O outputs."""

    digest: str
    """A hash of the whole file."""
    target_CSO: Array
    input_CSI: Array | None


def read(path: str) -> Recordings:
    """Arrays ``targets`` and, if there is one, ``inputs`` of an .npz file.

    Raises Inconsistent, in one sentence, about a file that cannot be read, is no .npz
    file, holds Python objects, or lacks what is needed.
    """
    try:
        content = read_plain(Path(path), LARGEST)
    except NotAFile as error:
        raise _refused(path, f"cannot be read: it is {error.strerror}") from None
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror}") from None
    return _parsed(content, path)


def _refused(path: str, text: str) -> Inconsistent:
    return Inconsistent("targets", f"{path} {text}")


@lru_cache(maxsize=8)
def _parsed(content: bytes, path: str) -> Recordings:
    try:
        # an array of Python objects could run any program when it is loaded
        file = np.load(io.BytesIO(content), allow_pickle=False)
        _refuse_swelling(file, path)
        if not isinstance(file, NpzFile):
            raise ValueError("one array")
        found = {k: file[k] for k in NAMES if k in file.files}
    except Inconsistent:
        raise
    except (ValueError, OSError, EOFError, BadZipFile, zlib.error, MemoryError):
        text = "is not an .npz file of plain arrays, as numpy.savez writes"
        raise _refused(path, text) from None
    if "targets" not in found:
        names = ", ".join(file.files) or "none"
        raise _refused(path, f"has no array targets; it has: {names}")
    target_CSO = _checked(path, "targets", found["targets"], "muscles")
    if "inputs" not in found:
        return Recordings(_digest(content), target_CSO, None)
    input_CSI = _checked(path, "inputs", found["inputs"], "channels")
    if len(input_CSI) != len(target_CSO):
        raise _refused(
            path,
            f"has targets for {len(target_CSO)} conditions and inputs for "
            f"{len(input_CSI)}; must be as many",
        )
    return Recordings(_digest(content), target_CSO, input_CSI)


def _refuse_swelling(file: Any, path: str) -> None:
    """Nothing is unpacked of an archive that would fill the memory."""
    if not isinstance(file, NpzFile):
        return
    wanted = {f"{name}.npy" for name in NAMES}
    members = file.zip.infolist() if file.zip is not None else []
    sizes = [m.file_size for m in members if m.filename in wanted]
    if sum(sizes) > LARGEST:
        raise _refused(path, f"unpacks to arrays larger than {LARGEST:,} bytes")


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=10).hexdigest()


def _checked(path: str, name: str, array: np.ndarray, last: str) -> Array:
    shape = array.shape
    if len(shape) != 3 or shape[0] < 2 or shape[1] < 2 or shape[2] < 1:
        raise _refused(
            path,
            f"has {name} of shape {shape}; must be (conditions, samples, {last}), at "
            "least (2, 2, 1)",
        )
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise _refused(path, f"has {name} that are not finite real numbers alone")
    return array.astype(np.float64)


def at_steps(array_CSX: Array, steps: int) -> Array:
    """Values at the ends of so many steps from the first sample to the last.

    Linear between samples; [C, steps, X].
    """
    last = array_CSX.shape[1] - 1
    place_T = last * np.arange(1, steps + 1) / steps
    before_T = np.minimum(place_T.astype(np.int64), last - 1)
    share_T = (place_T - before_T)[:, None]
    before, after = array_CSX[:, before_T], array_CSX[:, before_T + 1]
    return (1 - share_T) * before + share_T * after
