"""Times popnet against what people do today; writes the table of bench/README.md.

make bench                                  everything, some minutes on 2 cores
make bench ARGS=--quick                     with one of these:
    --quick                                 a look: fewer rounds, page untouched
    --only WORDS                            rows with all these words; also a look
    --check                                 ends with 1 when a floor is missed
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from case import SGEMM_SEEN, Case, Products
from cases import CASES
from first_use import FIRST_USE
from processes import running
from table import INCLUDED, caption, load, markdown, replaced
from timing import PRODUCTS, Effort
from two_workers import TWO_WORKERS

PAGE = Path(__file__).resolve().with_name("README.md")


def main() -> int:
    """The command."""
    asked = _asked()
    with running("the machine's own", PRODUCTS) as products:
        cases = [*CASES, *TWO_WORKERS, *FIRST_USE]
        return measure(asked, cases, products, PAGE)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--only", nargs="+", default=[], metavar="WORDS")
    parser.add_argument("--check", action="store_true", help="1 if a floor is missed")
    return parser.parse_args()


def measure(
    asked: argparse.Namespace, cases: Sequence[Case], products: Products, page: Path
) -> int:
    """Measures, prints, writes; 0, or 1 when ``--check`` finds a floor missed."""
    effort = Effort(3, 0.1) if asked.quick else Effort(9, 0.25)
    words = [word.lower() for word in asked.only]
    before, rows = load(), []
    for case in cases:
        wanted = all(word in case.title.lower() for word in words)
        if not wanted or (asked.quick and case.slow and not words):
            continue
        print(f"{case.title} ...", file=sys.stderr, flush=True)
        made = case.measure(effort, products)
        for row in made:
            print(f"    {row.brief}", file=sys.stderr, flush=True)
        rows += made
    about = caption(SGEMM_SEEN, (before, load()), effort)
    text = f"{markdown(rows)}\n\n{about}\n\n{INCLUDED}"
    print(text)
    if not asked.quick and not words:
        page.write_text(replaced(page.read_text(), text))
    missed = [f"{row.what} ({row.against})" for row in rows if row.missed]
    for what in missed:
        print(f"below the floor: {what}", file=sys.stderr)
    return int(asked.check and bool(missed))


if __name__ == "__main__":
    sys.exit(main())
