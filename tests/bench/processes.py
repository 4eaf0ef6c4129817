"""The sides of a comparison: each in a process of its own, and agreeing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from same import Different, no_higher, same

HERE = Path(__file__).parent
THREADS = ("OMP", "MKL", "OPENBLAS", "NUMBA")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in THREADS}
"""Libraries that read their number of threads once, when they are loaded."""


class Side(NamedTuple):
    """One of the things that are timed together."""

    name: str
    factory: str
    """MODULE:FACTORY"""
    settings: dict[str, Any] = {}  # noqa: RUF012


class Process:
    """A side that has been started; ends with its ``with``."""

    def __init__(self, side: Side) -> None:
        self.name = side.name
        self.loaded: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "side.py", side.factory, json.dumps(side.settings)],
            cwd=HERE, env={**os.environ, **ONE_THREAD}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def make(self, file: Path) -> None:
        """Sets up its work, and puts what it computes into the file."""
        self._write(file)
        self.loaded = self._read().split()

    def begin(self, seconds: float) -> None:
        """To work for so much CPU time."""
        self._write(seconds)

    def end(self) -> tuple[float, float, float]:
        """Units of work, CPU seconds, and of these the system's."""
        units, seconds, system = (float(word) for word in self._read().split())
        return units, seconds, system

    def _write(self, what: object) -> None:
        assert self._process.stdin is not None
        try:
            print(what, file=self._process.stdin, flush=True)
        except BrokenPipeError:
            self._ended()

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline() or self._ended()

    def _ended(self) -> Any:
        code = self._process.wait()
        raise SystemExit(f"{self.name}: its process ended by itself, with {code}.")

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def running(title: str, sides: Sequence[Side]) -> Iterator[list[Process]]:
    """All sides, ready to work; the others have computed what the first one has."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        processes = [stack.enter_context(Process(side)) for side in sides]
        files = [Path(name) / f"{number}.npz" for number in range(len(sides))]
        for process, file in zip(processes, files, strict=True):
            process.make(file)
            if process is not processes[0]:
                agree(f"{title}, {process.name}", files[0], file)
        yield processes


def agree(title: str, ours: Path, theirs: Path) -> None:
    """Raises Different unless two sides computed the same things."""
    with np.load(ours) as own, np.load(theirs) as other:
        expected, found = (
            [key for key in side if not key.endswith(" before")]
            for side in (own, other)
        )
        if expected != found:
            raise Different(
                f"{title}: popnet computed {expected}, the alternative {found}. "
                "Nothing was timed."
            )
        for key in expected:
            if key.endswith(" at most"):
                no_higher(f"{title}: {key}", own[key], other[key])
                continue
            before = own.get(f"{key} before", 0.0)
            same(f"{title}: {key}", own[key], other[key], before)
