"""Checks addresses of Ray clusters and MLflow servers."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from popnet.config import ConfigError
from popnet.config.address import Address

CLUSTER = re.compile(
    r"(ray://)?([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):\d{1,5}"
)
SCHEMES = ("http", "https", "file", "sqlite", "postgresql", "mysql", "mssql")


def check_address(address: str | None) -> None:
    """Raise ConfigError when this cannot be a Ray cluster's address."""
    if address in (None, "auto"):
        return
    if not CLUSTER.fullmatch(address):
        raise ConfigError(
            f"--address {str(Address(address))[:80]!r}: expected HOST:PORT, "
            "ray://HOST:PORT or auto (none: this machine alone); a token belongs in "
            "RAY_AUTH_TOKEN."
        )


def tracking_address(uri: str | Address | None) -> Address | None:
    """Return the address of an MLflow server or database; None for the embedded one.

    Raises ConfigError when it cannot be one.
    """
    if uri is None:
        return None
    address = Address.of(uri)
    try:
        parts = urlsplit(address.whole)
        scheme, host, _ = parts.scheme.partition("+")[0], parts.hostname, parts.port
    except ValueError:
        scheme, host = "", None
    # a database's machine may be named in the query instead
    queried = scheme not in ("http", "https") and "?" in address.whole
    needs_host = scheme not in ("file", "sqlite") and not queried
    known = scheme in SCHEMES and address.whole.isprintable()
    if not known or (needs_host and not host):
        raise ConfigError(
            f"--tracking-uri {str(address)[:80]!r}: expected a server "
            "(http://HOST:PORT) or a database (sqlite:////path.db, postgresql://...)."
        )
    return address
