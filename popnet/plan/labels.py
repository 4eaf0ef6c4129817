"""Names conditions in words, such as "spread=0.2, rule=bptt"."""

from __future__ import annotations

import json
from typing import Any

from popnet.config import Condition, LoadedSweep


def short_names(paths: list[str]) -> dict[str, str]:
    """Return, by path, the shortest ending that no other path has.

    ``task.name`` counts as ``task``.
    """
    ends = {path: path.removesuffix(".name") for path in paths}
    return {
        path: _short_name(end, [e for p, e in ends.items() if p != path])
        for path, end in ends.items()
    }


def distinct_by_name(plan: LoadedSweep) -> set[str]:
    """Return the varied paths of whole entries (rules, tasks) that differ in name."""
    paths = set()
    for path in plan.varied:
        values = [c.values[path] for c in plan.conditions if path in c.values]
        if not all(isinstance(value, dict) for value in values):
            continue
        # many conditions share one value
        values = list({id(value): value for value in values}.values())
        entries = {json.dumps(v, sort_keys=True, default=str) for v in values}
        names = {v.get("name") for v in values}
        if len(entries) == len(names) and None not in names:
            paths.add(path)
    return paths


def _short_name(path: str, others: list[str]) -> str:
    parts = path.split(".")
    for length in range(1, len(parts)):
        short = ".".join(parts[-length:])
        if not any(p == short or p.endswith("." + short) for p in others):
            return short
    return path


def label_of(condition: Condition, names: dict[str, str], by_name: set[str]) -> str:
    """Return a condition in words, such as "spread=0.2, rule=bptt".

    ``names`` are the paths' short names; at the paths ``by_name`` an entry's name alone
    is enough.
    """
    words = [
        f"{names[path]}={value['name'] if path in by_name else _short(value)}"
        for path, value in condition.values.items()
    ]
    return ", ".join(words + [f"member {condition.member}"] * bool(condition.member))


def _short(value: Any) -> str:
    if isinstance(value, dict):
        rest = ",".join(f"{k}={_short(v)}" for k, v in value.items() if k != "name")
        name = str(value.get("name", ""))
        return f"{name}({rest})" if name and rest else name or f"({rest})"
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    return str(value)
