"""Handles Ctrl-C and SIGTERM: an interrupted launch saves what it trains first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """A request to stop the launch, made by a signal.

    A signal raises KeyboardInterrupt at once, except within ``deferred``: there the
    first signal sets ``requested``, which the work itself polls, and a second signal
    raises.
    """

    def __init__(self) -> None:
        self.requested = self.deferring = False

    def _on_signal(self, *_: object) -> None:
        if self.deferring and not self.requested:
            self.requested = True
        else:
            raise KeyboardInterrupt

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handle the signals within; does nothing outside of the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._on_signal) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Let the work within stop by itself; raises KeyboardInterrupt after it."""
        self.deferring = True
        try:
            yield
        finally:
            self.deferring = False
        if self.requested:
            raise KeyboardInterrupt
