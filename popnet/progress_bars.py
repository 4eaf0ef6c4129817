"""Progress bars of the Python API: on a terminal and in a notebook, nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class Bar:
    """How far a call is; ``advance`` is told of every piece that is done."""

    def __init__(self) -> None:
        self.done = 0

    def advance(self, pieces: int) -> None:
        """Count more pieces as done."""
        self.done += pieces


def interactive() -> bool:
    """Whether somebody looks on: stderr is a terminal, or Jupyter runs this process."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules


@contextmanager
def bar(total: int, what: str, shown: bool = True) -> Iterator[Bar]:
    """A bar of ``total`` pieces, named ``what``; none where nobody looks on."""
    counted = Bar()
    if not shown or not interactive() or total < 1:
        yield counted
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)

        def advance(pieces: int) -> None:
            counted.done += pieces
            progress.advance(task, pieces)

        counted.advance = advance
        yield counted
