"""A folder of runs may come from a stranger: what is followed and read in it.

Nothing in it is run, no link in it is followed, and what is read is either what popnet
writes or refused in a sentence.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from popnet.config import ConfigError
from popnet.config.plain_file import read_plain
from popnet.store.backend import Backend
from popnet.store.local_disk import LocalDisk

OWN = ("store", "artifacts", "mlflow.db", ".store-id", ".store-id.lock", "storage.json")
"""What launches make in a folder of runs, beside the runs."""
LARGEST_JSON = 2**30


def refuse_links(out: Path, name: str, backend: Backend) -> None:
    """Refuse links, pipes and devices where popnet keeps the files of a run.

    ``place``: where its networks are.  ``out`` and ``place`` may be links themselves,
    or lie behind one, and what belongs to nobody here may stand there.  Raises
    ConfigError; changes nothing.
    """
    found = [(path, out) for path in (out / name, *(out / own for own in OWN))]
    for folder, below, files in os.walk(out / name):
        found += [(Path(folder) / f, out / name) for f in (*below, *files)]
    stores = {
        out / "store",
        *([backend.folder] if isinstance(backend, LocalDisk) else []),
    }
    for store in stores:  # of the files in its folders, links are not read
        if store.is_dir():
            found += [(path, store) for path in sorted(store.iterdir())]
    for path, folder in found:
        if path.is_symlink():
            raise ConfigError(_followed(path, folder))
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise ConfigError(f"{path} is a pipe or a device; remove it.")


def _followed(path: Path, folder: Path) -> str:
    target = path.resolve()
    out = not target.is_relative_to(folder.resolve())
    where = f" that leads out of {folder}, to {target}" if out else ""
    return (
        f"{path} is a link{where}; popnet follows none in a folder of runs: remove it. "
        "For another place of the networks use --storage."
    )


def read_json(path: Path, kind: type[dict[str, Any]] | type[list[Any]]) -> Any:
    """A JSON file that popnet wrote; empty where there is none.

    Raises ConfigError about one that cannot be read or holds something else.
    """
    try:
        value = json.loads(read_plain(path, LARGEST_JSON))
    except FileNotFoundError:
        return kind()
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
