"""One side of a comparison, in a process of its own, as its user would run it.

    python side.py MODULE:FACTORY SETTINGS

Imports MODULE and nothing else; SETTINGS is a JSON object.  Lines that it reads:

    FOLDER/FILE.npz   calls FACTORY(FOLDER, **settings), puts what it computed into the
                      file, runs once; answers with the packages that are loaded
    SECONDS           works for so much CPU time, in whole runs and at least one;
                      answers: units of work, CPU seconds, those spent in the system
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

GIVEN = "given.npz"
PACKAGES = ("numba", "popnet", "scipy", "torch")


class Made(NamedTuple):
    """What a factory returns."""

    run: Callable[[], object]
    units: float
    """Units of work in one call of ``run``: trials, steps, GFLOP."""
    computed: dict[str, Any]
    """What all sides must agree in; beside a name, "name before": before learning.

    "name at most": minima of a search, where popnet's must not be the higher ones.
    """


def give(folder: Path, **arrays: Any) -> None:
    """popnet's side: leaves its networks and trials for the others."""
    np.savez(folder / GIVEN, **arrays)


def given(folder: Path) -> dict[str, Any]:
    """The other sides: networks and trials of popnet's.

    Nothing large may be freed here: glibc would then keep more memory for later, and
    arrays made and freed be cheaper than in a script of one's own.
    """
    with np.load(folder / GIVEN) as arrays:
        return dict(arrays)


def worked(
    made: Made, seconds: float, clock: Callable[[], float] = time.process_time
) -> tuple[float, float, float]:
    """Units of work, CPU seconds, and of these the system's, as for page faults."""
    system, start, units, spent = _system(), clock(), 0.0, 0.0
    while units == 0 or spent < seconds:
        made.run()
        units += made.units
        spent = clock() - start
    return units, spent, _system() - system


def _system() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_stime


def main() -> None:
    """Answers line by line until there are no more."""
    # what a library prints must not be taken for an answer
    answers, sys.stdout = sys.stdout, sys.stderr
    module, factory = sys.argv[1].split(":")
    make = getattr(import_module(module), factory)
    if not (first := sys.stdin.readline().strip()):
        return
    file = Path(first)
    made = make(file.parent, **json.loads(sys.argv[2]))
    np.savez(file, **made.computed)
    made.run()
    print(*(p for p in PACKAGES if p in sys.modules), file=answers, flush=True)
    for line in sys.stdin:
        print(*worked(made, float(line)), file=answers, flush=True)


if __name__ == "__main__":
    main()
