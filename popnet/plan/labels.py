"""Conditions in words: "spread=0.2, rule=bptt"."""

from __future__ import annotations

import json
from typing import Any

from popnet.config import Condition, LoadedSweep


def short_names(paths: list[str]) -> dict[str, str]:
    """The shortest endings that tell the grid's paths apart; task for task.name."""
    ends = {path: path.removesuffix(".name") for path in paths}
    return {
        path: _short_name(end, [e for p, e in ends.items() if p != path])
        for path, end in ends.items()
    }


def told_by_name(plan: LoadedSweep) -> set[str]:
    """The paths of whole entries (rules, tasks) that their names alone tell apart."""
    paths = set()
    for path in plan.varied:
        values = [c.values[path] for c in plan.conditions if path in c.values]
        if not all(isinstance(value, dict) for value in values):
            continue
        # a value stands in many conditions
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


def label_of(condition: Condition, names: dict[str, str], plain: set[str]) -> str:
    """A condition in words: "spread=0.2, rule=bptt"; ``plain``: see told_by_name."""
    words = [
        f"{names[path]}={value['name'] if path in plain else _short(value)}"
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
