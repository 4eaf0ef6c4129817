"""The backend that keeps the networks of a folder of runs, and how it is chosen."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from urllib.parse import unquote, urlsplit

from popnet.config import ConfigError
from popnet.config.address import Address
from popnet.config.plain_file import NotAFile, read_plain
from popnet.config.reading import LARGEST_FILE
from popnet.store.atomic_files import write_json
from popnet.store.backend import Backend
from popnet.store.local_disk import LocalDisk
from popnet.store.object_store import ObjectStore

FILE, CHECKSUM = "storage.json", "checksum"
SCHEMES = ("s3", "gs", "gcs", "abfs", "abfss")


class DamagedLocation(ConfigError):
    """OUT/storage.json does not name the place that a launch wrote into it."""


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
    address = Address(where)
    if address.has_secrets:
        raise ConfigError(
            f"storage {address}: a name, password or other secret (***) does not "
            "belong in an address, which is recorded. Give it in the environment "
            "(AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) or in ~/.aws/credentials."
        )
    found = urlsplit(where)
    if found.scheme == "file":
        if found.netloc not in ("", "localhost") or not found.path.strip("/"):
            raise ConfigError(f"storage {where}: expected file:///PATH.")
        return LocalDisk(Path(unquote(found.path)))
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
        about = json.loads(read_plain(path, LARGEST_FILE))
        where = about["storage"]
        if not isinstance(where, str):
            raise TypeError
        if about.get(CHECKSUM, _checksum(where)) != _checksum(where):
            raise DamagedLocation(
                f"{path}: its address is damaged, or was changed by hand: name the "
                "place of the networks with --storage in a launch, or in the file as "
                f'{{"storage": "PATH OR URI"}} alone, without "{CHECKSUM}".'
            )
    except (FileNotFoundError, NotADirectoryError):
        return LocalDisk(out / "store")
    except ConfigError:
        raise
    except (NotAFile, ValueError, KeyError, TypeError, AttributeError):
        raise DamagedLocation(
            f'{path}: expected {{"storage": "PATH OR URI"}}, the place of the networks '
            "of these runs."
        ) from None
    return backend_of(where)


def choose(out: Path, storage: str | None) -> Backend:
    """Return the backend for a launch into ``out``; nothing is written.

    Raises ConfigError when ``storage`` cannot be reached, or when the networks of
    ``out`` are kept elsewhere.
    """
    try:
        known = storage_of(out)
    except DamagedLocation:
        if storage is None:
            raise
        known = backend_of(storage)  # ``remember`` mends the file
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
    try:
        noted = (out / FILE).is_file() and storage_of(out) is not None
    except DamagedLocation:
        noted, default = False, ""
    if not noted and backend.address != default:
        checksum = _checksum(backend.address)
        write_json(out / FILE, {"storage": backend.address, CHECKSUM: checksum})


def _checksum(address: str) -> str:
    """Return a checksum, so that a damaged address does not name another store."""
    return hashlib.sha256(address.encode()).hexdigest()[:16]
