"""The backend that keeps the networks of a folder of runs, and how it is chosen."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote, urlsplit

from popnet.config import ConfigError
from popnet.config.plain_file import NotAFile, read_plain
from popnet.config.reading import LARGEST_FILE
from popnet.store.atomic_files import write_json
from popnet.store.backend import Backend
from popnet.store.local_disk import LocalDisk
from popnet.store.object_store import ObjectStore

FILE = "storage.json"
SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss")


def backend_of(where: str | Path | Backend) -> Backend:
    """Return the backend for a path or URI, without connecting to it.

    Raises ConfigError when the address is not valid.
    """
    if isinstance(where, Path):
        return LocalDisk(where)
    if not isinstance(where, str):
        return where
    if "://" not in where:
        return LocalDisk(Path(where))
    found = urlsplit(where)
    if found.scheme == "file":
        if found.netloc not in ("", "localhost") or not found.path.strip("/"):
            raise ConfigError(f"storage {where}: expected file:///PATH.")
        return LocalDisk(Path(unquote(found.path)))
    if "@" in found.netloc:
        raise ConfigError(
            f"storage {found.scheme}://...: a name or password does not belong in an "
            "address, which is recorded. Give it in the environment "
            "(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) or in ~/.aws/credentials."
        )
    if found.scheme not in SCHEMES and not found.scheme.startswith("fsspec+"):
        raise ConfigError(
            f"storage {where}: {found.scheme}:// is not known; allowed: a path, "
            f"file://, {', '.join(f'{s}://' for s in SCHEMES)}, fsspec+SCHEME://."
        )
    if not (found.netloc or found.scheme.startswith("fsspec+")):
        raise ConfigError(f"storage {where}: expected {found.scheme}://BUCKET/FOLDER.")
    return ObjectStore(where)


def storage_of(out: Path) -> Backend:
    """Return the backend named in OUT/storage.json, or OUT/store without that file.

    Raises ConfigError when OUT/storage.json is not what a launch writes.
    """
    path = out / FILE
    try:
        where = json.loads(read_plain(path, LARGEST_FILE))["storage"]
        if not isinstance(where, str):
            raise TypeError
    except (FileNotFoundError, NotADirectoryError):
        return LocalDisk(out / "store")
    except (NotAFile, ValueError, KeyError, TypeError):
        raise ConfigError(
            f'{path}: expected {{"storage": "PATH OR URI"}}, the place of the networks '
            "of these runs."
        ) from None
    return backend_of(where)


def choose(out: Path, storage: str | None) -> Backend:
    """Return the backend for a launch into ``out``; nothing is written.

    Raises ConfigError when ``storage`` cannot be reached, or when the networks of
    ``out`` are kept elsewhere.
    """
    known = storage_of(out)
    backend = known if storage is None else backend_of(storage)
    if isinstance(backend, ObjectStore):
        backend.reach()
    settled = (out / FILE).is_file() or any(
        known.listed(f) for f in ("index", "merged")
    )
    if settled and backend.address != known.address:
        raise ConfigError(
            f"{out} keeps its networks in {known.address}; --storage {storage} would "
            "hide them. Leave --storage away, or choose another --out. (If they were "
            f"moved there, name the new place in {out / FILE}.)"
        )
    return backend


def remember(out: Path, backend: Backend) -> None:
    """Write the backend's address to OUT/storage.json unless it is OUT/store."""
    default = LocalDisk(out / "store").address
    if not (out / FILE).is_file() and backend.address != default:
        write_json(out / FILE, {"storage": backend.address})
