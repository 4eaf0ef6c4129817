"""A folder of runs may come from a stranger: what is followed and read in it.

Nothing in it is run, no link in it is followed, and what is read is either what popnet
writes or refused in a sentence.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from popnet.config import ConfigError
from popnet.config.opening import read_plain
from popnet.records.places import Local, Place

OWN = ("store", "artifacts", "mlflow.db", ".store-id", ".store-id.lock", "storage.json")
"""What launches make in a folder of runs, beside the runs."""
LARGEST_JSON = 2**30
_REMADE = "move it away, and `popnet sync` fills a new one."
ADDRESS = re.compile(
    r"(ray://)?([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):\d{1,5}"
)
SCHEMES = ("http", "https", "file", "sqlite", "postgresql", "mysql", "mssql")


def refuse_links(out: Path, name: str, place: Place) -> None:
    """Refuse links, pipes and devices where popnet keeps the files of a run.

    ``place``: where its networks are.  ``out`` and ``place`` may be links themselves,
    or lie behind one, and what belongs to nobody here may stand there.  Raises
    ConfigError; changes nothing.
    """
    found = [(path, out) for path in (out / name, *(out / own for own in OWN))]
    for folder, below, files in os.walk(out / name):
        found += [(Path(folder) / f, out / name) for f in (*below, *files)]
    stores = {out / "store", *([place.folder] if isinstance(place, Local) else [])}
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


def check_address(address: str | None) -> None:
    """Refuse what cannot be a Ray cluster's address.  Raises ConfigError."""
    if address in (None, "auto"):
        return
    if not ADDRESS.fullmatch(address):
        raise ConfigError(
            f"--address {without_secrets(address)[:80]!r}: expected HOST:PORT, "
            "ray://HOST:PORT or auto (none: this machine alone); a token belongs in "
            "RAY_AUTH_TOKEN."
        )


def check_tracking_uri(uri: str | None) -> None:
    """Refuse what cannot be an MLflow server or database.  Raises ConfigError."""
    if uri is None:
        return
    try:
        parts = urlsplit(uri)
        scheme, host, _ = parts.scheme.partition("+")[0], parts.hostname, parts.port
    except ValueError:
        scheme, host = "", None
    needs_host = scheme not in ("file", "sqlite")
    if scheme not in SCHEMES or (needs_host and not host) or not uri.isprintable():
        raise ConfigError(
            f"--tracking-uri {without_secrets(uri)[:80]!r}: expected a server "
            "(http://HOST:PORT) or a database (sqlite:////path.db, postgresql://...)."
        )


def without_secrets(text: str) -> str:
    """The text with the user and the password of every address in it hidden."""
    hidden = re.sub(r"//[^@\s]*@", "//***@", text)
    return re.sub(r"(^|=)[^/@:\s]+:[^/@\s]+@", r"\1***@", hidden)


def check_mlflow(path: Path) -> None:
    """Refuse an ``mlflow.db`` that is none: MLflow would begin to change it.

    None at all, or an empty one, is filled.  Raises ConfigError.
    """
    if not path.is_file():
        return
    try:
        address = f"{path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as database:
            asked = "select name from sqlite_master where type = 'table'"
            found = database.execute(asked)
            names = {name for (name,) in found}
    except sqlite3.Error as error:
        raise ConfigError(f"{path}: {error}; {_REMADE}") from None
    if names and not {"alembic_version", "experiments"} <= names:
        raise ConfigError(f"{path}: not a database of MLflow's; {_REMADE}")
