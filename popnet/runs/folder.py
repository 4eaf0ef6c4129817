"""Makes and holds a run's folder: what a launch writes there before it trains."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from popnet.config import ConfigError, LoadedSweep
from popnet.plan import networks
from popnet.runs.run import Run
from popnet.runs.untrusted import refuse_links
from popnet.store.atomic_files import lock_file, write_json, write_text


def create_run(out: Path, plan: LoadedSweep, text: str, about: dict[str, Any]) -> Run:
    """Write a run's folder: sweep.yaml as launched, and provenance."""
    run = Run(out / plan.sweep.name)
    refuse_links(out, run.name, run.store.backend)
    write_text(run.folder / "sweep.yaml", text)
    write_text(run.folder / "plan.json", _planned(plan))
    known = run.provenance()
    before = known.get("launches", [])
    launches = [*(before if isinstance(before, list) else []), about]
    write_json(run.folder / "provenance.json", {**about, "launches": launches})
    return Run(run.folder)


def write_plan(run: Run) -> None:
    """Write plan.json again: a search has tried more conditions."""
    write_text(run.folder / "plan.json", _planned(run.plan))


def _planned(plan: LoadedSweep) -> str:
    """The plan as JSON: each condition's values and keys, a condition per line."""
    conditions: dict[str, dict[str, Any]] = {}
    values = {id(c.config): c.values for c in plan.conditions}
    for network in networks(plan):
        entry = conditions.setdefault(
            network.condition,
            {
                "keys": [],
                "label": network.label,
                "values": values[id(network.config)],
            },
        )
        entry["keys"].append(network.key)
    encode = json.JSONEncoder(sort_keys=True).encode
    lines = ",\n".join(
        f"  {encode(name)}: {encode(conditions[name])}" for name in sorted(conditions)
    )
    name = encode(plan.sweep.name)
    return f'{{\n "conditions": {{\n{lines}\n }},\n "name": {name}\n}}\n'


@contextmanager
def launching(folder: Path) -> Iterator[None]:
    """Hold a run's lock: one launch of a sweep at a time.

    The lock goes with the process, however it ends.  Raises ConfigError.
    """
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    with lock_file(folder / ".lock") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigError(
                f"{folder}: this sweep is being launched by another process; wait for "
                "it, or stop it."
            ) from None
        yield
