"""Names and settings of registry entries in a run's tables: how they are shown, and how
the tables of older runs, which held both in one label, are read.
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
    """How a task is shown beside a network's own one, which is called by its name."""
    if own is not None and entry[0] == own[0]:
        if entry == own:
            return entry[0]
        if entry[1] == "{}":
            return f"{entry[0]}(defaults)"
    return label_of(*entry)


def own_tasks(evaluations: pd.DataFrame) -> dict[str, NameAndSettings]:
    """Name and settings of the task that each tested network was trained on, by key.

    It is the one that a network meets without its exploratory impulses.
    """
    rows = evaluations[evaluations["kind"] == "quiet"]
    entries = zip(rows["name"], rows["settings"], strict=True)
    return dict(zip(rows["key"], entries, strict=True))


def labels(evaluations: pd.DataFrame) -> pd.Series:
    """What each row of the table ``evaluations`` is shown as."""
    import pandas as pd

    own = evaluations["key"].map(own_tasks(evaluations))
    of_task = evaluations["kind"] != "perturbation"
    rows = zip(_entries(evaluations), own, of_task, strict=True)
    known: dict[tuple[NameAndSettings, NameAndSettings | None], str] = {}
    shown = []
    for entry, mine, task in rows:
        beside = mine if task and isinstance(mine, tuple) else None
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
    """A table of an older run, whose entries are labels, with names and settings.

    The labels are looked up among those of what the sweep asks; of what it does not ask
    the label is kept as the name.  ``networks``: the run's table of that name.
    """
    after = plan.sweep.after
    if name == "comparisons":
        known = _by_label(after.compare)
        return _placed(table, "metric", [known] * len(table))
    if name == "dynamics":
        known = _by_label(after.dynamics or ())
        return _placed(table, "name", [known] * len(table))
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
    return _placed(table, "name", known_of_rows)


def _by_label(entries: Iterable[Named]) -> dict[str, NameAndSettings]:
    return {label(e): (e.name, settings_text(e)) for e in entries}


def _tasks_by_label(
    others: Iterable[TaskSettings], own: TaskSettings | None
) -> dict[str, NameAndSettings]:
    mine = None if own is None else (own.name, settings_text(own))
    entries = [(o.name, settings_text(o)) for o in others]
    entries += [] if mine is None else [mine]
    return {task_label(entry, mine): entry for entry in entries}


def _placed(
    table: pd.DataFrame, column: str, known: list[Mapping[str, NameAndSettings]]
) -> pd.DataFrame:
    """The table with the name and, behind it, the settings of each row's label."""
    labelled = zip(table[column], known, strict=True)
    entries = [some.get(words, (words, "{}")) for words, some in labelled]
    made = table.assign(**{column: [entry[0] for entry in entries]})
    place = list(table.columns).index(column) + 1
    made.insert(place, "settings", [entry[1] for entry in entries])
    return made
