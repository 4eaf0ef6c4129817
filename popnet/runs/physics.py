"""Refuses runs and stores whose results this version of popnet would not give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from popnet.config import ConfigError
from popnet.config.reading import shown
from popnet.plan import PHYSICS
from popnet.runs.checksums import Damaged
from popnet.runs.untrusted import read_json
from popnet.store import Store

CHANGES = {
    6: "decisions are the sign of the output, test trials are drawn by the sweep's "
    "seed, impulses and a rule's constants are in seconds, laws of spread hold "
    "the mean and the spread they are given",
}
"""What changed with a ``PHYSICS``, for people whose results are older."""


def physics_of(about: dict[str, Any]) -> object:
    """Return the ``PHYSICS`` in a run's provenance; today's when it names none."""
    return about.get("physics", PHYSICS)


def is_earlier(physics: object) -> bool:
    """Return True for the number of an earlier ``PHYSICS``."""
    return type(physics) is int and 0 < physics < PHYSICS


def refuse_run(folder: Path, about: dict[str, Any]) -> None:
    """Raise ConfigError when a run with this provenance has another ``PHYSICS``."""
    physics = physics_of(about)
    if physics == PHYSICS and type(physics) is int:
        return
    readable = ""
    if is_earlier(physics):
        readable = " It stays readable: popnet show, export and report."
    raise ConfigError(f"{folder}: {_refusal('made', physics)}{readable}")


def earlier_note(about: dict[str, Any]) -> str:
    """Return what changed since a run with this provenance was made."""
    physics = physics_of(about)
    assert type(physics) is int
    return f"made with physics {physics}, this is physics {PHYSICS}{_changes(physics)}"


def refuse_earlier(folder: Path, store: Store) -> None:
    """Raise ConfigError when a launch would mix its results with those of others.

    ``folder`` is that of the launch's run, which may not exist yet.  A damaged
    provenance is no obstacle: the launch mends it.
    """
    refuse_store(store)
    try:
        about = read_json(folder / "provenance.json", dict)
    except Damaged:
        return
    refuse_run(folder, about)


def refuse_store(store: Store) -> None:
    """Raise ConfigError when a store holds networks of another ``PHYSICS``."""
    others = {batch.physics for batch in store.batches()} - {PHYSICS}
    if others:
        what = _refusal("holds networks made", min(others))
        raise ConfigError(f"{store.address}: {what}")


def _refusal(made: str, physics: object) -> str:
    """Return why a run or store cannot be continued, and what to do."""
    text = f"{made} with physics {shown(physics)}; this is physics {PHYSICS}"
    if not is_earlier(physics):
        return f"{text}. Use the popnet that made it, or give another --out."
    assert type(physics) is int
    return (
        f"{text}{_changes(physics)}. Its networks cannot be continued: give another "
        "--out, or move the old one aside, and launch."
    )


def _changes(physics: int) -> str:
    """Return what changed since a ``PHYSICS``, in brackets."""
    known = [CHANGES[n] for n in range(physics + 1, PHYSICS + 1) if n in CHANGES]
    return f" ({'; '.join(known)})" if known else ""
