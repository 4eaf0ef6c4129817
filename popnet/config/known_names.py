"""The names of a registry in a line of an error."""

from __future__ import annotations

from collections.abc import Iterable

LONG_LIST = 300
"""Letters of a list of names; in a longer one relatives stand after one name."""
LONGEST_LIST = 350
"""A list that is longer even so is not shown."""


def known_names(names: Iterable[str], what: str) -> str:
    """Return "Known: ..."; of more names than a line holds, the command that lists."""
    names = list(names)
    told = in_families(names)
    if len(told) <= LONGEST_LIST:
        return f"Known: {told}"
    return f"`popnet {what}s` lists the {len(names)} that are known"


def in_families(names: Iterable[str]) -> str:
    """Return names in alphabetical order; if that is long, relatives after one name.

    "xor, xor_delayed" is "xor (_delayed)" then.
    """
    every = ", ".join(sorted(names))
    if len(every) <= LONG_LIST:
        return every
    families: dict[str, list[str]] = {}
    for name in sorted(names):
        head = next((one for one in families if name.startswith(f"{one}_")), name)
        families.setdefault(head, [])
        if name != head:
            families[head].append(name.removeprefix(head))
    told = (h + (f" ({', '.join(t)})" if t else "") for h, t in families.items())
    return ", ".join(told)
