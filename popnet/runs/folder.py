"""Creates a run's folder, and writes what a launch keeps there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from popnet.config import LoadedSweep
from popnet.plan import networks
from popnet.runs.checksums import (
    set_damaged_aside,
    write_checked_json,
    write_checked_text,
)
from popnet.runs.fingerprint import NOTE
from popnet.runs.run import Run
from popnet.runs.store_identity import FIELD, store_identity
from popnet.runs.untrusted import refuse_links


def create_run(out: Path, plan: LoadedSweep, text: str, about: dict[str, Any]) -> Run:
    """Write a run's folder: ``sweep.yaml`` as launched, the plan and the provenance.

    Raises ConfigError when the folder holds links or files that cannot be read.
    """
    run = Run(out / plan.sweep.name)
    refuse_links(out, run.name, run.store.backend)
    write_checked_text(run.folder, "sweep.yaml", text)
    write_checked_text(run.folder, "plan.json", _planned(plan))
    known = run.provenance()
    earlier = known.get("launches", [])
    launches = [*(earlier if isinstance(earlier, list) else []), about]
    identity = store_identity(out)
    whole = {**about, "launches": launches, FIELD: identity}
    write_checked_json(run.folder, "provenance.json", whole)
    return Run(run.folder)


def mend(folder: Path) -> list[str]:
    """Rename damaged files of a run, so that a launch makes them again.

    Returns a sentence for each.  Tables and report are then made again too.
    """
    notes = set_damaged_aside(folder) if folder.is_dir() else []
    if notes:
        (folder / NOTE).unlink(missing_ok=True)
    return notes


def write_plan(run: Run) -> None:
    """Write ``plan.json`` again, after a search has tried more conditions."""
    write_checked_text(run.folder, "plan.json", _planned(run.plan))


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
