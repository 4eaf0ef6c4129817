"""The columns of a run's tables."""

from __future__ import annotations

import json
from typing import Any

from popnet.canonical import label
from popnet.config import After
from popnet.measures import recorded

OWN_SCORES = ("accuracy", "accuracy_se", "observer_accuracy", "error")
"""Columns of ``networks`` that are a network's scores in the test on its own task."""

EMPTY = {
    "networks": [
        "key", "condition", "label", "index", "seed", "status", "trials",
        "trials_to_criterion", "final_error", "final_accuracy", *OWN_SCORES,
        *recorded("weights", "curve"), "physics", "recorded_at", "weights_file",
    ],
    "curves": ["key", "trial", "error", "accuracy"],
    "evaluations": [
        "key", "kind", "name", "settings", "level", "accuracy", "accuracy_se",
        "flipped_accuracy", "observer_accuracy", "error", "trials", "error_by_type",
        "accuracy_by_type",
    ],
    "dynamics": [
        "key", "state", "name", "settings", "level",
        *recorded("activity", "change", "trials"), "bin_s",
    ],
    "comparisons": [
        "key_a", "key_b", "metric", "settings", "value", "bound", "starts",
    ],
}  # fmt: skip
"""Columns of each table.  ``networks`` also has a column for every setting, named by
its path; ``networks`` and ``dynamics`` have the columns that ``asked_columns`` returns.
``name`` is that of a registry entry, and ``settings`` holds, as JSON, those of its
settings that are not the defaults."""

STOPPED_BY = "stopped_by"
"""Column of ``networks`` that names the scheduler, if it stopped a network."""

SCHEDULE = "schedule"
"""Column of ``networks`` for networks that changed settings in training: a JSON list of
the rule's settings, each with its first trial."""


def asked_columns(after: After, table: str) -> list[str]:
    """Return the columns that ``after.measures`` adds to a table.

    ``table`` is "networks" or "dynamics".
    """
    asked = [m for m in after.measures if m.of_activity() == (table == "dynamics")]
    return list(dict.fromkeys(label(measure) for measure in asked))


def flattened(config: Any) -> dict[str, Any]:
    """Return every setting by its dotted path; lists and unit tables as JSON text."""
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
