"""Detects that the head of a Ray cluster is lost, before Ray ends the process.

Ray ends it after a minute, and the user would not learn why.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY_S = 2.0
GONE_S = 25.0
"""Seconds without an answer after which the head is lost; Ray gives up after 60 s."""


@contextmanager
def watched(address: str, gone: Callable[[], None]) -> Iterator[None]:
    """Call ``gone``, once and from a thread, when ``host:port`` does not answer."""
    host, _, port = address.rpartition(":")
    ended = threading.Event()

    def watch() -> None:
        last_answer = time.monotonic()
        while not ended.wait(EVERY_S):
            if _answers(host, int(port)):
                last_answer = time.monotonic()
            elif time.monotonic() - last_answer > GONE_S:
                gone()
                return

    thread = threading.Thread(target=watch, name="cluster watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()


def _answers(host: str, port: int) -> bool:
    """Return whether something accepts connections there."""
    try:
        socket.create_connection((host, port), timeout=EVERY_S).close()
    except OSError:
        return False
    return True
