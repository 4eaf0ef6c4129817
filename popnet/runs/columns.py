"""The columns of a run's tables."""

from __future__ import annotations

import json
from typing import Any

from popnet.canonical import label
from popnet.config import After
from popnet.measures import recorded

EMPTY = {
    "networks": [
        "key", "condition", "label", "index", "seed", "status", "trials",
        "trials_to_criterion", "final_error", "final_accuracy", "accuracy", "error",
        *recorded("weights", "curve"), "physics", "recorded_at", "weights_file",
    ],
    "curves": ["key", "trial", "error", "accuracy"],
    "evaluations": [
        "key", "kind", "name", "settings", "level", "accuracy", "flipped_accuracy",
        "error", "trials", "error_by_type",
    ],
    "dynamics": [
        "key", "state", "name", "settings", "level",
        *recorded("activity", "change"), "bin_s",
    ],
    "comparisons": ["key_a", "key_b", "metric", "settings", "value"],
}  # fmt: skip
"""Columns of each table; ``networks`` also has every setting by its path, and both
``networks`` and ``dynamics`` what ``after.measures`` asks: see ``asked_columns``.
``name`` and ``settings``, as JSON, are a registry entry and its settings that are not
the defaults."""

STOPPED_BY = "stopped_by"
"""The column of ``networks`` that names the scheduler; only where one stopped some."""

SCHEDULE = "schedule"
"""The column of ``networks`` that has, as JSON, the rule's settings of a network that
changed them while it trained, each with the trial it began at."""


def asked_columns(after: After, table: str) -> list[str]:
    """The columns of what ``after.measures`` asks, of ``networks`` or ``dynamics``."""
    asked = [m for m in after.measures if m.of_activity() == (table == "dynamics")]
    return list(dict.fromkeys(label(measure) for measure in asked))


def flattened(config: Any) -> dict[str, Any]:
    """Every setting by its dotted path; lists and unit tables as JSON text."""
    flat: dict[str, Any] = {}

    def walk(prefix: str, value: Any) -> None:
        if isinstance(value, dict) and value and not any(k.isdigit() for k in value):
            for key, inner in value.items():
                path = f"{prefix}.{key}" if prefix else key
                if isinstance(inner, (dict, list)):
                    walk(path, inner)
                else:
                    flat[path] = inner
        else:
            flat[prefix] = json.dumps(value)

    walk("", config.model_dump(mode="json"))
    return flat
