"""Ctrl-C and SIGTERM: a launch that is told to stop saves what it trains first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether the launch was told to stop.

    KeyboardInterrupt is raised at once, but inside ``held``, where the work looks at
    ``asked`` itself; a second signal is raised there too.
    """

    def __init__(self) -> None:
        self.asked = self.holding = False

    def _told(self, *_: object) -> None:
        if self.holding and not self.asked:
            self.asked = True
        else:
            raise KeyboardInterrupt

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Listen to the signals; in a thread, Python leaves them to the main one."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._told) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let the work within stop by itself; raises KeyboardInterrupt after it."""
        self.holding = True
        try:
            yield
        finally:
            self.holding = False
        if self.asked:
            raise KeyboardInterrupt
