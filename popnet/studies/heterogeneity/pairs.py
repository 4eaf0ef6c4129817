"""The pairs of networks that were compared, with what they share."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

REPLICATE = "train.replicate"
NULLS = ("untrained", "shuffled")
"""Settings that turn a metric into a null: what is left without what it measures."""


def pairs_of(comparisons: pd.DataFrame, networks: pd.DataFrame) -> pd.DataFrame:
    """The pairs of networks that were trained on one task.

    Networks of which one was trained again are paired with that first training alone.
    """
    about = networks.set_index("key")[
        ["task", "level", "configuration", "seed", "failed"]
    ]
    again = networks.get(REPLICATE, 0)
    about = about.assign(replicate=np.broadcast_to(np.asarray(again), len(about)))
    rows = comparisons.merge(about, left_on="key_a", right_index=True)
    rows = rows.merge(about, left_on="key_b", right_index=True, suffixes=("_a", "_b"))
    rows = rows[rows["task_a"] == rows["task_b"]].rename(columns={"task_a": "task"})
    same = (rows["level_a"] == rows["level_b"]) & (
        rows["configuration_a"] == rows["configuration_b"]
    )
    first = (rows["replicate_a"] == 0) & (rows["replicate_b"] == 0)
    twice = rows["replicate_a"] != rows["replicate_b"]
    retrained = same & twice & (rows["seed_a"] == rows["seed_b"])
    given = [json.loads(text) for text in rows["settings"]]
    nulls = {
        null: np.array([settings.pop(null, False) for settings in given], bool)
        for null in NULLS
    }
    rows = rows.assign(
        **nulls,
        same=same,
        retrained=retrained,
        failed=rows["failed_a"] | rows["failed_b"],
        settings=[json.dumps(settings) for settings in given],
    )
    return rows[first | retrained]
