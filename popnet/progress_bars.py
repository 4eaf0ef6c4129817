"""Progress bars of the Python API: on a terminal and in a notebook, nowhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY_S = 0.25
"""Seconds between two drawings in a notebook."""


class Bar:
    """Counts the pieces of a call that are done."""

    def __init__(self, draw: Callable[[int], None] | None = None) -> None:
        """``draw`` shows how many pieces are done; without it nothing is shown."""
        self.done, self.draw = 0, draw

    def advance(self, pieces: int = 1) -> None:
        """Count more pieces as done."""
        self.done += pieces
        if self.draw is not None:
            self.draw(self.done)


@contextmanager
def bar(total: int, what: str, shown: bool = True) -> Iterator[Bar]:
    """A bar of ``total`` pieces, named ``what``, for as long as the block runs.

    There is none where nobody looks on: stderr is no terminal, this no notebook.
    """
    if shown and total > 0 and "ipykernel" in sys.modules:
        with _in_notebook(total, what) as draw:
            yield Bar(draw)
    elif shown and total > 0 and sys.stderr.isatty():
        with _on_terminal(total, what) as draw:
            yield Bar(draw)
    else:
        yield Bar()


@contextmanager
def _on_terminal(total: int, what: str) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


@contextmanager
def _in_notebook(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """The browser's own bar: rich's needs ipywidgets, which few notebooks have."""
    from IPython.display import display  # pyright: ignore[reportMissingImports]
    from markupsafe import Markup

    began = last = time.monotonic()

    def drawn(done: int) -> dict[str, str]:
        left_s = (time.monotonic() - began) * (total - done) / max(done, 1)
        text = f"{what} {done}/{total}" + (f", {left_s:.0f} s left" if done else "")
        html = Markup('<progress value="{}" max="{}"></progress> {}')
        return {"text/plain": text, "text/html": html.format(done, total, text)}

    def draw(done: int) -> None:
        nonlocal last
        if time.monotonic() - last > EVERY_S:
            last = time.monotonic()
            handle.update(drawn(done), raw=True)

    handle = display(drawn(0), raw=True, display_id=True)
    try:
        yield draw
    finally:
        handle.update({"text/plain": "", "text/html": ""}, raw=True)
