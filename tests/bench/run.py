"""Times popnet against what people do today, and writes the table into the README.

make bench                                  everything, some minutes on 2 cores
.venv/bin/python tests/bench/run.py         the same
    --quick                                 a look: fewer rounds, README untouched
    --only WORDS                            rows with all these words; also a look
    --check                                 ends with 1 when a floor is missed
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from case import Case

README = Path(__file__).resolve().parents[2] / "README.md"
THREADS = ("OMP", "MKL", "OPENBLAS", "NUMBA")
"""Libraries that read their number of threads once, when they are loaded."""


def main() -> int:
    """The command."""
    one = {f"{name}_NUM_THREADS": "1" for name in THREADS}
    if not one.items() <= os.environ.items():
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **one})
    import torch

    torch.set_num_threads(1)
    from cases_bptt import BPTT_CASES
    from cases_force import FORCE_CASES
    from cases_hebbian import HEBBIAN_CASES
    from cases_testing import TESTING
    from first_use import FIRST_USE
    from two_workers import TWO_WORKERS

    cases = [*HEBBIAN_CASES, *BPTT_CASES, *FORCE_CASES, *TESTING]
    cases += [*TWO_WORKERS, *FIRST_USE]
    return measure(_asked(), cases, README)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORDS")
    parser.add_argument("--check", action="store_true", help="1 if a floor is missed")
    return parser.parse_args()


def measure(asked: argparse.Namespace, cases: Sequence[Case], readme: Path) -> int:
    """Measures, prints, writes; 0, or 1 when ``--check`` finds a floor missed."""
    from case import SGEMM_SEEN
    from table import INCLUDED, caption, load, markdown, replaced
    from timing import Effort

    effort = Effort(3, 0.1) if asked.quick else Effort(9, 0.25)
    words = [word.lower() for word in asked.only]
    before, rows = load(), []
    for case in cases:
        wanted = all(word in case.title.lower() for word in words)
        if not wanted or (asked.quick and case.slow and not words):
            continue
        print(f"{case.title} ...", file=sys.stderr, flush=True)
        made = case.measure(effort)
        for row in made:
            print(f"    {row.brief}", file=sys.stderr, flush=True)
        rows += made
    about = caption(SGEMM_SEEN, (before, load()), effort)
    text = f"{markdown(rows)}\n\n{about}\n\n{INCLUDED}"
    print(text)
    if not asked.quick and not words:
        readme.write_text(replaced(readme.read_text(), text))
    missed = [f"{row.what} ({row.against})" for row in rows if row.missed]
    for what in missed:
        print(f"below the floor: {what}", file=sys.stderr)
    return int(asked.check and bool(missed))


if __name__ == "__main__":
    sys.exit(main())
