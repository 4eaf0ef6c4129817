"""Sets a value at a path of nested settings, in a copy."""

from __future__ import annotations

from typing import Any

from popnet.config.reading import Place, Source, shown


def part_of(part: str | int) -> str | int:
    """Return a part of a path as an int if it is a number, else as the name it is."""
    return int(part) if isinstance(part, str) and part.isdecimal() else part


def placed(
    source: Source, raw: dict[str, Any], path: str, value: Any, place: Place
) -> dict[str, Any]:
    """Return ``raw`` with this value at the path; missing levels are created.

    Values beside the path are shared with ``raw``, which stays as it is.  Raises
    ConfigError, about ``place``, when the path leads into a value without settings.
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
            node[part] = node = _settable_copy(inner, depth, part)
    return top


def _settable_copy(value: Any, depth: int, part: str | int) -> Any:
    """Return a copy to set a value in; a name or a mean alone is written out."""
    if isinstance(value, (dict, list)):
        return value.copy()
    if isinstance(value, str) and (part in ("task", "rule") or isinstance(part, int)):
        return {"name": value}
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return {"mean": value} if number and depth == 1 else value
