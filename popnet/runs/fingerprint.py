"""What a run's tables, report and MLflow entries were made from, as one hash.

Where nothing has changed since, a launch need not make them again.  The hash is kept
in the run's folder, beside the sizes of the files it stands for, and written last.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from popnet.plan import PHYSICS, digest
from popnet.store.atomic_files import write_json

if TYPE_CHECKING:
    from popnet.runs.run import Run

NOTE = ".made.json"


def fingerprint(run: Run) -> str:
    """A hash of the sweep's text, its records in the store, and popnet's own code."""
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
    """A hash of this popnet: another version may make other tables."""
    folder = Path(__file__).parents[1]
    whole = hashlib.sha256()
    files = [*folder.rglob("*.py"), *folder.glob("report/templates/*")]
    for path in sorted(files):
        whole.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return whole.hexdigest()


def note_made(run: Run, made: str) -> None:
    """Keep what the files that lie here now were made from; to be called last."""
    write_json(run.folder / NOTE, {"from": made, "files": _files(run)})


def forget(run: Run) -> None:
    """Before any of the files is made again."""
    (run.folder / NOTE).unlink(missing_ok=True)


def made_from(run: Run) -> str:
    """What tables and report were made from; "" where one lacks or is another's."""
    try:
        note: dict[str, Any] = json.loads((run.folder / NOTE).read_text())
        return str(note["from"]) if note["files"] == _files(run) else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _files(run: Run) -> dict[str, int]:
    """Sizes of tables and report, by their places in the folder."""
    found = [*run.folder.glob("*.parquet"), *(run.folder / "report").rglob("*")]
    return {
        str(path.relative_to(run.folder)): path.stat().st_size
        for path in sorted(found)
        if path.is_file() and path.name[0] != "."
    }
