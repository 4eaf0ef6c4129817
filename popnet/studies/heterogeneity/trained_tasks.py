"""The tasks that the networks of a study learned, and the memory that these demand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from popnet.config import TaskSettings

TAU = "network.tau_s.mean"
DEFAULT_TAU_S = 0.030
"""Miconi 2017."""


def trained_on(networks: pd.DataFrame) -> dict[str, TaskSettings | None]:
    """The tasks of training, by name, with the settings of their first network."""
    from popnet.report.registry_words import own_task

    firsts = networks.drop_duplicates("task").to_dict("records")
    return {str(row["task"]): own_task(row) for row in firsts}


def memory_demand(
    networks: pd.DataFrame, tasks: Mapping[str, TaskSettings | None]
) -> dict[str, float]:
    """The silence that each task's memory has to bridge, in mean time constants.

    Tasks that do not declare it are left out.
    """
    tau_s = float(networks[TAU].iloc[0]) if TAU in networks else DEFAULT_TAU_S
    demand = {name: task.memory_demand_s for name, task in tasks.items() if task}
    return {name: s / tau_s for name, s in demand.items() if s is not None}
