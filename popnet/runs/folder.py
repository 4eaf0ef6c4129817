"""Creates and locks a run's folder, and writes what a launch keeps there."""

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
    """Write a run's folder: ``sweep.yaml`` as launched, the plan and the provenance.

    Raises ConfigError when the folder holds links or files that cannot be read.
    """
    run = Run(out / plan.sweep.name)
    refuse_links(out, run.name, run.store.backend)
    write_text(run.folder / "sweep.yaml", text)
    write_text(run.folder / "plan.json", _planned(plan))
    known = run.provenance()
    earlier = known.get("launches", [])
    launches = [*(earlier if isinstance(earlier, list) else []), about]
    write_json(run.folder / "provenance.json", {**about, "launches": launches})
    return Run(run.folder)


def write_plan(run: Run) -> None:
    """Write ``plan.json`` again, after a search has tried more conditions."""
    write_text(run.folder / "plan.json", _planned(run.plan))


def _planned(plan: LoadedSweep) -> str:
    """Return the plan as JSON, a line per condition with its values and keys."""
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
def launch_lock(folder: Path) -> Iterator[None]:
    """Hold a run's lock, so that a sweep is launched by one process at a time.

    The lock ends with its process.  Raises ConfigError when another process holds it.
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
