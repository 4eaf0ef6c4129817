"""Gets ready, while networks train, for what a launch does at its end."""

from __future__ import annotations

import threading
from importlib import import_module

from popnet.config.address import Address
from popnet.runs import Run


class GettingReady:
    """Imports what ``finish`` needs and creates its store, while networks train."""

    def __init__(self, run: Run, tracking_uri: Address | None) -> None:
        self._thread = threading.Thread(
            target=_get_ready, args=(run, tracking_uri), daemon=True
        )

    def begin(self) -> None:
        """Begin, if it has not begun."""
        if self._thread.ident is None:
            self._thread.start()

    def wait(self) -> None:
        """Return when it is done, if it has begun."""
        if self._thread.ident is not None:
            self._thread.join()


def _get_ready(run: Run, tracking_uri: Address | None) -> None:
    from popnet.tracking import get_ready

    import_module("popnet.report.results")
    get_ready(run, tracking_uri)
