"""Notices that a Ray cluster has gone: Ray itself ends the process after a minute."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY_S = 2.0
GONE_S = 25.0
"""So long may nothing answer at the head's address; Ray gives up after 60 s."""


@contextmanager
def watched(address: str, gone: Callable[[], None]) -> Iterator[None]:
    """Call ``gone``, once and from a thread, when nobody answers at ``host:port``."""
    host, _, port = address.rpartition(":")
    ended = threading.Event()

    def watch() -> None:
        heard = time.monotonic()
        while not ended.wait(EVERY_S):
            if _answers(host, int(port)):
                heard = time.monotonic()
            elif time.monotonic() - heard > GONE_S:
                gone()
                return

    thread = threading.Thread(target=watch, name="cluster watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()


def _answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=EVERY_S).close()
    except OSError:
        return False
    return True
