"""A fingerprint is a hash of everything a run's tables and report are made from.

When it has not changed, a launch does not make tables, report and MLflow entries again.
It is kept in the run's folder with the checksums of the files, and written after them.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from popnet.plan import PHYSICS, digest
from popnet.store.atomic_files import sha256, write_json

if TYPE_CHECKING:
    from popnet.runs.run import Run

NOTE = ".made.json"


def fingerprint(run: Run) -> str:
    """Return a hash of the sweep's text, its records in the store and popnet's code."""
    keys = {n.key for n in run.networks}
    records = [
        [b.name, b.kind, sorted((n, f["sha256"]) for n, f in b.files.items())]
        for b in run.store.batches()
        if not keys.isdisjoint(b.keys)
    ]
    text = (run.folder / "sweep.yaml").read_text()
    return digest(str(PHYSICS), _code(), text, json.dumps(records), size=16)


@cache
def _code() -> str:
    """Return a hash of popnet's code: another version may make other tables."""
    folder = Path(__file__).parents[1]
    whole = hashlib.sha256()
    files = [*folder.rglob("*.py"), *folder.glob("report/templates/*")]
    for path in sorted(files):
        whole.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return whole.hexdigest()


def record_fingerprint(run: Run, current: str) -> None:
    """Write the fingerprint of the files in the run's folder; call this last."""
    write_json(run.folder / NOTE, {"from": current, "files": _files(run)})


def clear_fingerprint(run: Run) -> None:
    """Delete the fingerprint; call this before any of the files is made again."""
    (run.folder / NOTE).unlink(missing_ok=True)


def recorded_fingerprint(run: Run) -> str:
    """Return the fingerprint of tables and report; "" when a file is not as it was."""
    try:
        note: dict[str, Any] = json.loads((run.folder / NOTE).read_text())
        return str(note["from"]) if note["files"] == _files(run) else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _files(run: Run) -> dict[str, str]:
    """Return the SHA-256 of tables and report, by path in the run's folder."""
    found = [*run.folder.glob("*.parquet"), *(run.folder / "report").rglob("*")]
    return {
        str(path.relative_to(run.folder)): sha256(path)
        for path in sorted(found)
        if path.is_file() and path.name[0] != "."
    }
