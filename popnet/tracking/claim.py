"""One folder of runs fills an experiment of MLflow at a time.

The lock of a run's folder keeps out everybody who writes from that folder.  A copy of
the folder, on another machine perhaps, fills the same experiment of a server, and the
two would take each other's networks out.  So whoever fills an experiment says so in its
tag ``popnet.writer``, again and again while it does.

MLflow has no atomic change of a tag.  Of two that claim at once the later one stays
(Fischer's algorithm: write, wait longer than others need to write, read again).
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from popnet.plan import digest
from popnet.runs.provenance import command_line
from popnet.tracking.client import Client, TrackingError

TAG = "popnet.writer"
STALE_S = 300.0
"""A claim that was not renewed for so long is of a process that was killed."""
SETTLE_S = 0.5
"""Wait of a claim to a server, before it is read again."""


@contextmanager
def filling(client: Client, experiment: str, folder: Path) -> Iterator[None]:
    """Claim an experiment for a run's folder, and give it back at the end.

    Raises TrackingError, which says who is at work, when another folder has it.
    """
    claim(client, experiment, folder)
    try:
        yield
    finally:
        with suppress(TrackingError):  # a server that is away: it will be stale
            client.set_experiment_tag(experiment, TAG, "")


def claim(client: Client, experiment: str, folder: Path) -> None:
    """Claim an experiment for a run's folder, or renew the claim.

    Raises TrackingError when another folder has it.
    """
    known = _read(client, experiment)
    mine = _identity(folder)
    _refuse_other(known, mine)
    about = {
        "folder": mine,
        "command": shlex.join(command_line())[:200],
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": known.get("since") if known.get("folder") == mine else _now(),
        "seen": time.time(),
    }
    client.set_experiment_tag(experiment, TAG, json.dumps(about))
    if known.get("folder") != mine and not client.sqlite:
        time.sleep(SETTLE_S)
        _refuse_other(_read(client, experiment), mine)


def _identity(folder: Path) -> str:
    """Return a hash that a folder has on every machine, and no copy of it has."""
    place = folder.resolve()
    return digest(str(place), str(place.stat().st_ino))


def _now() -> str:
    return datetime.now(UTC).isoformat(sep=" ", timespec="seconds")


def _read(client: Client, experiment: str) -> dict[str, Any]:
    """Return the claim that stands in an experiment; {} for none."""
    text = client.get_experiment(experiment).tags.get(TAG, "")
    try:
        about = json.loads(text)
        _ = float(about["seen"]), int(about["pid"]), about["folder"]
    except (ValueError, KeyError, TypeError):
        return {}
    return about


def _refuse_other(about: dict[str, Any], mine: str) -> None:
    """Raise TrackingError when a claim is that of another folder, which is at work."""
    if not about or about["folder"] == mine:
        return
    here = about.get("host") == socket.gethostname()
    if time.time() - float(about["seen"]) > STALE_S or (
        here and not psutil.pid_exists(int(about["pid"]))
    ):
        return
    raise TrackingError(
        f"MLflow's experiment is being filled from another folder of runs by "
        f"`{about.get('command')}` (process {about['pid']} on {about.get('host')}, "
        f"since {about.get('since')}); wait for it, then `popnet sync` this run."
    )
