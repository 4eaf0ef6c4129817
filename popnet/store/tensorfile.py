"""A file of tensors, each with a checksum, from which single tensors can be read.

The format is safetensors: 8 bytes for the header's length, a JSON header that names
each tensor's type, shape and offsets, then the numbers.  ``sums`` in the header's
metadata holds the CRC-32 of each tensor.
https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import save_file

Arrays = Mapping[str, NDArray[Any]]
Tensors = dict[str, NDArray[Any]]
DTYPES = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16,
    "I64": np.int64, "I32": np.int32, "I16": np.int16, "I8": np.int8,
    "U64": np.uint64, "U32": np.uint32, "U16": np.uint16, "U8": np.uint8,
    "BOOL": np.bool_,
}  # fmt: skip
LONGEST_HEADER = 100_000_000
"""Bytes; this is the limit of safetensors itself."""
CHUNK = 1 << 23
"""Bytes read at once for a checksum."""
GAP = 1 << 16
"""Gaps below this many bytes are read along rather than asked for separately."""
UNUSABLE = (
    OSError, ValueError, KeyError, TypeError, AttributeError, IndexError,
    OverflowError, RecursionError, SafetensorError, pa.ArrowException,
)  # fmt: skip
"""Exceptions that reading a torn, damaged or foreign file raises."""


def crc(array: NDArray[Any]) -> int:
    """Return the CRC-32 of an array's bytes."""
    return zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def write(path: Path, arrays: Arrays, about: Mapping[str, Any] | None = None) -> None:
    """Write arrays with their checksums; ``about`` goes into the file's metadata."""
    whole = {n: np.asarray(a, order="C") for n, a in arrays.items()}
    text = json.dumps({**(about or {}), "sums": {n: crc(a) for n, a in whole.items()}})
    save_file(whole, path, {"popnet": text})


def head_of(path: Path) -> str:
    """Return the SHA-256 of a file's header, which holds the tensors' checksums."""
    with pa.OSFile(str(path), "rb") as handle:
        return TensorFile(handle).head


def sum_of(handle: pa.NativeFile) -> tuple[int, str]:
    """Return the size in bytes and the SHA-256 of an open file, read from its start."""
    size, found = 0, hashlib.sha256()
    while data := handle.read(CHUNK):
        size += len(data)
        found.update(data)
    return size, found.hexdigest()


class TensorFile:
    """A file of tensors open for reading.

    Raises one of ``UNUSABLE`` when the file is torn, its header is wrong, or a tensor's
    checksum does not match.
    """

    def __init__(self, handle: pa.NativeFile) -> None:
        self.handle, size = handle, handle.size()
        first = handle.read_at(8, 0)
        length = int.from_bytes(first, "little")
        if len(first) < 8 or length > min(size - 8, LONGEST_HEADER):
            raise ValueError("its header is torn")
        raw = handle.read_at(length, 8)
        self.head = hashlib.sha256(first + raw).hexdigest()
        self.header = json.loads(raw)
        self.start, self.room = 8 + length, size - 8 - length
        metadata = self.header.pop("__metadata__", {})
        end = 0
        for begin, after in sorted(map(_span, self.header.values())):
            if begin != end:
                raise ValueError("its header lies")
            end = after
        if end != self.room:
            raise ValueError("it is torn")
        self.about = json.loads(metadata["popnet"]) if "popnet" in metadata else {}
        self.sums = self.about.get("sums", {})

    def of(self, key: str) -> Tensors:
        """Return the tensors KEY/NAME by NAME.  Raises ValueError if there are none."""
        if key not in self._names:
            raise ValueError(f"it holds nothing of network {key}")
        found = self.get(self._names[key])
        return {n.rpartition("/")[2]: a for n, a in found.items()}

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        """Full names of the tensors, by key."""
        found: dict[str, list[str]] = {}
        for name in self.header:
            found.setdefault(name.rpartition("/")[0], []).append(name)
        return found

    def get(self, names: Iterable[str]) -> Tensors:
        """Return tensors by full name; neighbours in the file are read together."""
        spans = sorted((*_span(self.header[n]), n) for n in names)
        found: Tensors = {}
        while spans:
            block, end = [spans[0]], spans[0][1]
            while len(block) < len(spans) and spans[len(block)][0] - end < GAP:
                block.append(spans[len(block)])
                end = max(end, block[-1][1])
            spans = spans[len(block) :]
            begin = block[0][0]
            data = self.handle.read_at(end - begin, self.start + begin)
            for a, b, name in block:
                found[name] = self._array(name, data[a - begin : b - begin])
        return found

    def _array(self, name: str, data: bytes) -> NDArray[Any]:
        if name in self.sums and zlib.crc32(data) != self.sums[name]:
            raise ValueError(f"the checksum of {name} does not match")
        about = self.header[name]
        flat = np.frombuffer(data, DTYPES[about["dtype"]])
        return flat.reshape(about["shape"]).copy()


def _span(about: Mapping[str, Any]) -> tuple[int, int]:
    """Return a tensor's first and last offset.

    Raises ValueError when they do not fit its type and shape.
    """
    begin, end = about["data_offsets"]
    size = np.dtype(DTYPES[about["dtype"]]).itemsize
    if end - begin != size * math.prod(about["shape"]):
        raise ValueError("its header lies")
    return begin, end
