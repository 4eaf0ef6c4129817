"""Addresses of servers, databases and buckets, without the secrets in them.

    ``Address(text)``  is shown, written and rendered without user, password, the values
                       of its query and its fragment; ``whole`` is for connecting.

    ``without_secrets``  does the same to all addresses in a text, such as the message
                         of a library that quotes one.

What is secret cannot be known, so what is harmless is listed: of a query, the options
in ``HARMLESS`` are shown and nothing else.
"""

from __future__ import annotations

import re
from functools import cached_property
from urllib.parse import quote, unquote, unquote_plus

HIDDEN = "***"
HARMLESS = frozenset(
    [
        "allow_bucket_creation",
        "allow_bucket_deletion",
        "anonymous",
        "application_name",
        "background_writes",
        "blob_storage_authority",
        "blob_storage_scheme",
        "charset",
        "check_directory_existence_before_creation",
        "check_same_thread",
        "connect_timeout",
        "credential_kind",
        "dbname",
        "dfs_storage_authority",
        "dfs_storage_scheme",
        "driver",
        "enable_tls",
        "endpoint_override",
        "host",
        "isolation_level",
        "mode",
        "port",
        "project_id",
        "region",
        "retry_limit_seconds",
        "scheme",
        "sslmode",
        "timeout",
    ]
)
"""Options in the query of an address whose values are shown."""
PLAIN = re.compile(r"[A-Za-z0-9._:/+, -]{0,200}")
"""The form of a value that is shown; a password inside of an address has an @."""
OPTION = re.compile(r"[A-Za-z][A-Za-z_]{0,40}")
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
USER = re.compile(r"(^|[\s='\"(\[])[^/@:\s'\"=(\[]+:(?!//)[^@\s]+@")
"""User and password before a machine's name, without a scheme."""
NAMED = re.compile(
    r"(?:\b|(?<=%3B)|(?<=%26)|(?<=%20))(pass(?:word|wd|phrase)?|pwd|uid|user(?:name)?|token|[\w-]*secret[\w-]*"
    r"|[\w-]*(?:api|access|account)[_-]?key[\w-]*|sig(?:nature)?|authorization)"
    r"(\W?\s*(?:=|%3D)\s*|['\"]?\s*:\s*['\"])"
    r"(\"[^\"]*\"|'[^']*'|[^\s&;,'\")}%]+)",
    re.IGNORECASE,
)
"""A secret after its name, as in ``password=...`` or ``"token": "..."``."""
BEARER = re.compile(r"\b(Bearer|Basic)\s+[\w+/=.~-]{4,}")
ENDS = "'\"`)]}>.,;:"
"""Characters that end an address within a sentence."""
SHORTEST = 4
"""Secrets of fewer characters are only hidden as words of their own."""


class Address:
    """An address that shows no secrets, however it is written or quoted."""

    def __init__(self, text: str) -> None:
        self._whole = text

    @classmethod
    def of(cls, given: str | Address) -> Address:
        """Return the address itself, or the address that a text is."""
        return given if isinstance(given, Address) else cls(given)

    @property
    def whole(self) -> str:
        """The address with its secrets: to connect with, and for nothing else."""
        return self._whole

    @property
    def has_secrets(self) -> bool:
        """True when a part of the address is not shown."""
        return bool(self._split[1])

    def __str__(self) -> str:
        return self._split[0]

    def __repr__(self) -> str:
        return f"Address({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and other._whole == self._whole

    def __hash__(self) -> int:
        return hash(self._whole)

    def __getstate__(self) -> str:
        return self._whole

    def __setstate__(self, state: str) -> None:
        self._whole = state

    @cached_property
    def _split(self) -> tuple[str, list[str]]:
        """The address as it is shown, and the parts that are not."""
        return _split(self._whole)

    def hide(self, text: str) -> str:
        """Return a text about this address without its secrets.

        A library may quote a part of the address, as it stands in it or decoded.
        """
        for secret in sorted(self._spellings(), key=len, reverse=True):
            pattern = re.escape(secret)
            if len(secret) < SHORTEST:
                pattern = rf"(?<!\w){pattern}(?!\w)"
            text = re.sub(pattern, HIDDEN, text)
        return without_secrets(text)

    def _spellings(self) -> set[str]:
        found: set[str] = set()
        for part in self._split[1]:
            user, _, password = part.partition(":")
            for text in (part, user, password):
                decoded = unquote_plus(text)
                found |= {text, unquote(text), decoded, quote(decoded, safe="")}
        return {text for text in found if text.strip("*/ ")}


def without_secrets(text: str) -> str:
    """Return a text with every address, password and token in it hidden."""
    text = USER.sub(rf"\1{HIDDEN}@", URI.sub(_in_text, text))
    return BEARER.sub(rf"\1 {HIDDEN}", NAMED.sub(_named, text))


def argument_shown(text: str) -> str:
    """Return an argument of a command as it is shown.

    All of it may be an address, whatever blanks and quotes a password has.
    """
    option, mark, address = text.partition("=")
    if not mark or re.search("[:/@]", option):
        option, mark, address = "", "", text
    if "://" in address:
        return f"{option}{mark}{Address(address)}"
    return without_secrets(text)


def _named(match: re.Match[str]) -> str:
    if match[3].strip("'\"") == HIDDEN:
        return match[0]
    return f"{match[1]}{match[2]}{HIDDEN}"


def _in_text(match: re.Match[str]) -> str:
    """Return an address in a sentence as it is shown, with what follows it."""
    text = match[0].rstrip(ENDS)
    return f"{_split(text)[0]}{match[0][len(text) :]}"


def _split(text: str) -> tuple[str, list[str]]:
    """Return an address as it is shown, and its secret parts."""
    scheme, mark, rest = text.partition("://")
    if not mark:
        scheme, rest = "", text
    place, options = _cut(rest, "?#")
    where, hidden = _place(place, options)
    shown, more = _options(options)
    return f"{scheme}{mark}{where}{shown}", [*hidden, *more]


def _cut(text: str, at: str) -> tuple[str, str]:
    """Return a text up to the first of some characters, and from there on."""
    ends = [text.index(c) for c in at if c in text]
    end = min(ends, default=len(text))
    return text[:end], text[end:]


def _place(place: str, options: str) -> tuple[str, list[str]]:
    """Return machine and path as they are shown, and what is hidden of them."""
    machine, _ = _cut(place, "/")
    hidden: list[str] = []
    before = ""
    at = place.rfind("@") if ":" in machine else machine.rfind("@")
    if machine and at >= 0:
        hidden.append(place[:at])
        before, place = f"{HIDDEN}@", place[at + 1 :]
    elif machine and (
        "@" in unquote(unquote(machine)) or ("@" in options and ":" in machine)
    ):  # its @ is encoded, or its password has a ? or # in it
        hidden.append(machine)
        before, place = HIDDEN, place[len(machine) :]
    path, parameters = _cut(place, ";")
    decoded, encoded = _cut(unquote(unquote(path)), "?#;")
    if encoded:
        hidden.append(path)
        path = f"{_cut(decoded, '@')[0].rpartition('/')[0]}/{HIDDEN}"
    if parameters:
        hidden += re.split("[;=]", parameters)
        path += f";{HIDDEN}"
    return before + path, hidden


def _options(text: str) -> tuple[str, list[str]]:
    """Return query and fragment as they are shown, and what is hidden of them."""
    query, fragment = _cut(text.removeprefix("?"), "#")
    query = query if text.startswith("?") else ""
    fragment = fragment if text.startswith("?") else text
    shown, hidden = [], []
    for part in re.split("[&;]", query) if query else []:
        name, _, value = part.partition("=")
        harmless = name.lower() in HARMLESS and PLAIN.fullmatch(unquote(value))
        if harmless or not part:
            shown.append(part)
            continue
        named = bool(value) and OPTION.fullmatch(name)
        shown.append(f"{name}={HIDDEN}" if named else HIDDEN)
        hidden.append(value if named else part)
    after = f"#{HIDDEN}" if fragment else ""
    hidden += [fragment[1:]] if fragment else []
    return (f"?{'&'.join(shown)}" if shown else "") + after, hidden
