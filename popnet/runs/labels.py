"""Labels of the registry entries in a run's tables.

Tables hold an entry's name and settings in two columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from popnet.canonical import label_of

if TYPE_CHECKING:
    import pandas as pd


NameAndSettings = tuple[str, str]


def task_label(entry: NameAndSettings, own: NameAndSettings | None) -> str:
    """Return a task's label; a network's own task is called by its name alone."""
    if own is not None and entry[0] == own[0]:
        if entry == own:
            return entry[0]
        if entry[1] == "{}":
            return f"{entry[0]}(defaults)"
    return label_of(*entry)


def own_tasks(evaluations: pd.DataFrame) -> dict[str, NameAndSettings]:
    """Return name and settings of each tested network's own task, by network key.

    It is the task of the test without exploratory impulses, of kind "quiet".
    """
    rows = evaluations[evaluations["kind"] == "quiet"]
    entries = zip(rows["name"], rows["settings"], strict=True)
    return dict(zip(rows["key"], entries, strict=True))


def labels(evaluations: pd.DataFrame) -> pd.Series:
    """Return the label of each row of the table ``evaluations``."""
    import pandas as pd

    own = evaluations["key"].map(own_tasks(evaluations))
    of_task = evaluations["kind"] != "perturbation"
    rows = zip(_entries(evaluations), own, of_task, strict=True)
    known: dict[tuple[NameAndSettings, NameAndSettings | None], str] = {}
    shown = []
    for entry, own_task, is_task in rows:
        beside = own_task if is_task and isinstance(own_task, tuple) else None
        if (entry, beside) not in known:
            known[entry, beside] = task_label(entry, beside)
        shown.append(known[entry, beside])
    return pd.Series(shown, index=evaluations.index, dtype=object)


def _entries(table: pd.DataFrame) -> pd.Series:
    import pandas as pd

    both = zip(table["name"], table["settings"], strict=True)
    return pd.Series(list(both), index=table.index, dtype=object)
