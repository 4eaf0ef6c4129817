"""Checks addresses of Ray clusters and MLflow servers, and hides their secrets."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from popnet.config import ConfigError

ADDRESS = re.compile(
    r"(ray://)?([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):\d{1,5}"
)
SCHEMES = ("http", "https", "file", "sqlite", "postgresql", "mysql", "mssql")


def check_address(address: str | None) -> None:
    """Raise ConfigError when this cannot be a Ray cluster's address."""
    if address in (None, "auto"):
        return
    if not ADDRESS.fullmatch(address):
        raise ConfigError(
            f"--address {without_secrets(address)[:80]!r}: expected HOST:PORT, "
            "ray://HOST:PORT or auto (none: this machine alone); a token belongs in "
            "RAY_AUTH_TOKEN."
        )


def check_tracking_uri(uri: str | None) -> None:
    """Raise ConfigError when this cannot be an MLflow server or database."""
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
    """Return the text with user and password of every address replaced by ``***``."""
    hidden = re.sub(r"//[^@\s]*@", "//***@", text)
    return re.sub(r"(^|=)[^/@:\s]+:[^/@\s]+@", r"\1***@", hidden)
