"""Checks of a folder of runs that may come from a stranger.

Nothing in it is executed and no link in it is followed.  A file that is not what popnet
writes is refused with a sentence.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from popnet.config import ConfigError
from popnet.runs.checksums import Damaged, read_checked
from popnet.store.backend import Backend
from popnet.store.local_disk import LocalDisk

OWN = ("store", "artifacts", "mlflow.db", ".store-id", ".store-id.lock", "storage.json")
"""Files and folders that launches make in a folder of runs, beside the runs."""
LARGEST_JSON = 2**30


def refuse_links(out: Path, name: str, backend: Backend) -> None:
    """Raise ConfigError for links, pipes and devices among the files of a run.

    ``backend`` is that of its networks.  ``out`` and the backend's folder may be links
    themselves or lie behind one, and files that are not popnet's may lie in them.
    """
    found = [(path, out) for path in (out / name, *(out / own for own in OWN))]
    for folder, below, files in os.walk(out / name):
        found += [(Path(folder) / f, out / name) for f in (*below, *files)]
    stores = {
        out / "store",
        *([backend.folder] if isinstance(backend, LocalDisk) else []),
    }
    for store in stores:  # links deeper in the store are never read
        if store.is_dir():
            found += [(path, store) for path in sorted(store.iterdir())]
    for path, folder in found:
        if path.is_symlink():
            raise ConfigError(_link_refusal(path, folder))
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise ConfigError(f"{path} is a pipe or a device; remove it.")


def _link_refusal(path: Path, folder: Path) -> str:
    target = path.resolve()
    leads_out = not target.is_relative_to(folder.resolve())
    where = f" that leads out of {folder}, to {target}" if leads_out else ""
    return (
        f"{path} is a link{where}; popnet follows none in a folder of runs: remove it. "
        "For another place of the networks use --storage."
    )


def read_json(path: Path, kind: type[dict[str, Any]] | type[list[Any]]) -> Any:
    """Return the value in a JSON file that popnet wrote; empty when it is missing.

    Raises ConfigError when the file cannot be read or holds something else, and Damaged
    when its checksum is wrong.
    """
    try:
        value = json.loads(read_checked(path.parent, path.name, LARGEST_JSON))
    except FileNotFoundError:
        return kind()
    except Damaged:
        raise
    except OSError as error:
        raise _damaged(path, f"{error.strerror}") from None
    except (ValueError, RecursionError):
        raise _damaged(path, "it is not JSON") from None
    if not isinstance(value, kind):
        raise _damaged(path, "it is not what popnet writes")
    return value


def _damaged(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"{path} cannot be read: {why}. Delete it; `popnet launch` of the sweep again "
        "writes it anew."
    )
