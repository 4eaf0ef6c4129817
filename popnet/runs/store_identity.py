"""The random name of a folder of runs, by which MLflow's experiments are known.

It is kept in ``.store-id`` with a checksum, and again in the provenance of every run:
under another name, the same networks would go into a second experiment.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections import Counter
from pathlib import Path

from popnet.config import ConfigError
from popnet.config.plain_file import read_plain
from popnet.runs.untrusted import read_json
from popnet.store.atomic_files import locked, write_text

FILE = ".store-id"
FIELD = "store_id"
"""The name of the copy in a run's ``provenance.json``."""
IDENTITY = re.compile(r"[0-9a-f]{32}")


def store_identity(out: Path) -> str:
    """Return the name of a folder of runs, which it keeps when it is moved.

    A name that is missing or damaged is taken from the runs; where no run has one, the
    folder gets a new name.
    """
    path = out / FILE
    with locked(out / f"{FILE}.lock"):
        text = _text(path)
        identity, _, checksum = text.partition(" ")
        if checksum and checksum == _checksum(identity):
            return identity
        plain = IDENTITY.fullmatch(text) is not None  # as an older popnet wrote it
        identity = _of_runs(out) or (text if plain else uuid.uuid4().hex)
        write_text(path, f"{identity} {_checksum(identity)}\n")
        return identity


def _text(path: Path) -> str:
    try:
        return read_plain(path, 2**12).decode("ascii", errors="replace").strip()
    except OSError:
        return ""


def _checksum(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


def _of_runs(out: Path) -> str:
    """Return the name that most runs of the folder have; "" when none has one."""
    found: Counter[str] = Counter()
    for path in sorted(out.glob("*/provenance.json")):
        try:
            identity = read_json(path, dict).get(FIELD)
        except ConfigError:
            continue
        if isinstance(identity, str) and IDENTITY.fullmatch(identity):
            found[identity] += 1
    return found.most_common(1)[0][0] if found else ""
