"""Labels of the registry entries in a run's tables.

Tables hold an entry's name and settings in two columns.  The tables of older runs held
both in one label and are converted when they are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from popnet.canonical import label, label_of, settings_text
from popnet.config import Named, TaskSettings
from popnet.plan import name_of

if TYPE_CHECKING:
    import pandas as pd

    from popnet.config import LoadedSweep

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


def upgraded(
    table: pd.DataFrame, name: str, plan: LoadedSweep, networks: pd.DataFrame
) -> pd.DataFrame:
    """Return an older run's table with names and settings in place of its labels.

    ``name`` is the table's name and ``networks`` the run's table ``networks``.  A label
    is looked up among the entries that the sweep asks for.  A label that is not found
    is kept as the name.
    """
    after = plan.sweep.after
    if name == "comparisons":
        known = _by_label(after.compare)
        return _unlabelled(table, "metric", [known] * len(table))
    if name == "dynamics":
        known = _by_label(after.dynamics or ())
        return _unlabelled(table, "name", [known] * len(table))
    conditions = dict(zip(networks["key"], networks["condition"], strict=True))
    tasks = {name_of(c): c.config.task for c in plan.conditions}
    perturbed = _by_label(after.perturb)
    beside: dict[int, Mapping[str, NameAndSettings]] = {}
    known_of_rows = []
    for key, kind in zip(table["key"], table["kind"], strict=True):
        task = tasks.get(conditions.get(key, ""))
        if id(task) not in beside:
            beside[id(task)] = _tasks_by_label(after.other_tasks, task)
        known_of_rows.append(perturbed if kind == "perturbation" else beside[id(task)])
    return _unlabelled(table, "name", known_of_rows)


def _by_label(entries: Iterable[Named]) -> dict[str, NameAndSettings]:
    return {label(e): (e.name, settings_text(e)) for e in entries}


def _tasks_by_label(
    others: Iterable[TaskSettings], own: TaskSettings | None
) -> dict[str, NameAndSettings]:
    own_task = None if own is None else (own.name, settings_text(own))
    entries = [(o.name, settings_text(o)) for o in others]
    entries += [] if own_task is None else [own_task]
    return {task_label(entry, own_task): entry for entry in entries}


def _unlabelled(
    table: pd.DataFrame, column: str, known: list[Mapping[str, NameAndSettings]]
) -> pd.DataFrame:
    """Replace each row's label by its name; insert a column of settings behind it."""
    labelled = zip(table[column], known, strict=True)
    entries = [by_label.get(text, (text, "{}")) for text, by_label in labelled]
    named = table.assign(**{column: [entry[0] for entry in entries]})
    position = list(table.columns).index(column) + 1
    named.insert(position, "settings", [entry[1] for entry in entries])
    return named
