"""Puts a value at a path of nested settings, without touching what was there."""

from __future__ import annotations

from typing import Any

from popnet.config.reading import Place, Source, shown


def part_of(part: str | int) -> str | int:
    """A list's index or a unit's number; else a name."""
    return int(part) if isinstance(part, str) and part.isdecimal() else part


def placed(
    source: Source, raw: dict[str, Any], path: str, value: Any, place: Place
) -> dict[str, Any]:
    """``raw`` with this value at the path, and what is missing on the way made.

    What lies beside the way is shared with ``raw``, which stays as it is.  Raises
    ConfigError, about ``place``, where the way is barred.
    """
    parts: list[Any] = [part_of(part) for part in path.split(".")]
    top = node = dict(raw)
    for depth, part in enumerate(parts):
        holder = ".".join(str(p) for p in parts[:depth])
        if not isinstance(node, (dict, list)):
            text = f"{holder} is {shown(node)}, which has no settings inside"
            raise source.error(place, text)
        if isinstance(node, list) and part not in range(len(node)):
            raise source.error(
                place, f"{holder} is a list of {len(node)}; give an index from 0"
            )
        if depth == len(parts) - 1:
            node[part] = value
        else:
            inner = node[part] if isinstance(node, list) else node.get(part, {})
            node[part] = node = _opened(inner, depth, part)
    return top


def _opened(value: Any, depth: int, part: str | int) -> Any:
    """A copy to set something in: of a short form (a name, a mean), written out."""
    if isinstance(value, (dict, list)):
        return value.copy()
    if isinstance(value, str) and (part in ("task", "rule") or isinstance(part, int)):
        return {"name": value}
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {"mean": value} if number and depth == 1 else value
