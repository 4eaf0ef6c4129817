"""Reads numeric arrays from files of numpy's and of safetensors, and nothing else.

An object in a file of numpy's is a pickle, which could run any program when it is
loaded; such keys are skipped by their header, before anything of them is read.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.config import ConfigError
from popnet.config.plain_file import NotAFile, read_plain

Array = NDArray[Any]
LARGEST = 2**30
"""Bytes of a file, and of what it unpacks to."""
BROKEN = (
    ValueError, OSError, EOFError, KeyError, MemoryError, OverflowError,
    NotImplementedError, zlib.error, zipfile.BadZipFile,
)  # fmt: skip
"""Errors of a damaged file; the last but one of compression that zipfile lacks."""


class ReadArrays(NamedTuple):
    """The numeric arrays of a file by key, and the keys that hold something else."""

    arrays: dict[str, Array]
    skipped: tuple[str, ...] = ()


def read_arrays(path: Path) -> ReadArrays:
    """Read the numeric arrays of an .npy, .npz or .safetensors file.

    The array of an .npy file has the key "".  Raises ConfigError, in one line that
    names the file, when it is none of these, a link, a pipe, or too large.
    """
    content = _content(path)
    try:
        if path.suffix == ".npz":
            return _from_npz(content, path)
        if path.suffix == ".npy":
            return ReadArrays({"": _from_npy(io.BytesIO(content), len(content))})
        return ReadArrays(_from_safetensors(content))
    except ConfigError:
        raise
    except BROKEN as error:
        why = str(error).splitlines()[0][:120] if str(error) else "it is damaged"
        kind = path.suffix.removeprefix(".")
        raise ConfigError(
            f"{path}: not a {kind} file of plain numbers ({why})."
        ) from None


def _content(path: Path) -> bytes:
    if path.is_symlink():
        raise ConfigError(f"{path} is a link; popnet follows none here: remove it.")
    try:
        return read_plain(path, LARGEST)
    except NotAFile as error:
        raise ConfigError(f"{path}: cannot be read: it is {error.strerror}.") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}.") from None


def _from_npz(content: bytes, path: Path) -> ReadArrays:
    arrays: dict[str, Array] = {}
    skipped = []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > LARGEST:
            raise ConfigError(f"{path}: unpacks to more than {LARGEST:,} bytes.")
        for member in members:
            key = member.filename.removesuffix(".npy")
            if key in arrays or key in skipped:
                raise ConfigError(f"{path}: {key!r} is in it twice.")
            with archive.open(member) as file:
                array = _numeric(file, member.file_size)
            if array is None:
                skipped.append(key)
            else:
                arrays[key] = array
    return ReadArrays(arrays, tuple(skipped))


def _numeric(file: Any, size: int) -> Array | None:
    """Return an array of numbers; None, with nothing of it read, of anything else."""
    shape, fortran, dtype = _header(file)
    if dtype.kind not in "fiub":
        return None
    return _filled(file, shape, fortran, dtype, size)


def _from_npy(file: Any, size: int) -> Array:
    array = _numeric(file, size)
    if array is None:
        raise ValueError("it holds objects or text")
    return array


def _header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ValueError(f"version {version} of numpy's format")
    return readers[version](file)


def _filled(
    file: Any, shape: tuple[int, ...], fortran: bool, dtype: np.dtype[Any], size: int
) -> Array:
    count = 1
    for length in shape:
        count *= length
    if count < 0 or count * dtype.itemsize > size:
        raise ValueError("shorter than its header says")
    data = file.read(count * dtype.itemsize)
    array = np.frombuffer(data, dtype, count)
    if fortran:
        return array.reshape(shape[::-1]).T
    return array.reshape(shape)


def _from_safetensors(content: bytes) -> dict[str, Array]:
    from safetensors import SafetensorError
    from safetensors.torch import load  # reads bfloat16, which numpy has not

    try:
        found = load(content)
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    return {name: _as_numpy(tensor) for name, tensor in found.items()}


def _as_numpy(tensor: Any) -> Array:
    wide = tensor.double() if tensor.is_floating_point() else tensor
    return np.asarray(wide.numpy())


def in_order(
    array: Array, given: tuple[str, ...], wanted: tuple[str, ...], where: str
) -> Array:
    """Return a three-axis array with its axes in the wanted order, in float64.

    Raises ConfigError when it has another number of axes.
    """
    if array.ndim != 3:
        raise ConfigError(
            f"{where}: got shape {array.shape}; expected three axes "
            f"({' x '.join(given)})."
        )
    order = [given.index(axis) for axis in wanted]
    return np.ascontiguousarray(array.transpose(order), dtype=np.float64)


def trials_of(folder: Path) -> Iterator[Path]:
    """Yield the .npy files of a sub-folder, one per trial, in the order of names."""
    for path in sorted(folder.iterdir()):
        if path.suffix == ".npy":
            yield path
