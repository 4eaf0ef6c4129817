"""What a search has tried: the conditions, how far each came, which were stopped.

It is the file ``search.json`` of a run's folder, written whole or not at all:

    {"search": identity, "finished": conditions, "conditions": {condition: {"number",
     "values", "state", "scheduler", "reports": [{"trials", "score", "low", "high"}]}}}

A condition's ``number`` says in which order they were tried, its ``state`` whether it
is running, was stopped (by the scheduler, at the trials of its last report) or is done.
``finished`` is the number of conditions asked for when the search last came to its end,
0 before.  Scores are medians over the condition's networks, low and high their
quartiles.

In population-based training the conditions are members, named "member 1" ...: their
``values`` are those of now, ``earlier`` [[until, values]] those before, each until some
trial, ``condition`` is the name of all that, and ``reached`` where it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from popnet.catalogue import CATALOGUE
from popnet.config import (
    Condition,
    ConfigError,
    LoadedSweep,
    Pbt,
    Source,
    Sweep,
    conditions_of,
)
from popnet.plan import condition_name, digest, name_of
from popnet.store.atomic_files import write_json

RUNNING, STOPPED, DONE = "running", "stopped", "done"
Entry = dict[str, Any]


def members_of(tried: dict[str, Entry], source: Source) -> tuple[Condition, ...]:
    """The members of population-based training as they are now, each once."""
    named: dict[str, Condition] = {}
    for entry in tried.values():
        one = member_of(source, entry["number"], entry["earlier"], entry["values"])
        if name_of(one) == entry["condition"]:  # the file may have said otherwise then
            named.setdefault(entry["condition"], one)
    return tuple(named.values())


def member_of(
    source: Source,
    number: int,
    earlier: Iterable[Sequence[Any]],
    values: dict[str, Any],
) -> Condition:
    """A member as a condition; ``earlier``: values it had before, until some trial."""

    def made(some: dict[str, Any]) -> Condition:
        return conditions_of(source, CATALOGUE, [some])[0]

    pieces = tuple((until, made(some)) for until, some in earlier)
    return made(values)._replace(earlier=pieces, member=number)


class Ledger:
    """The ledger of one search.  Opening it writes nothing."""

    def __init__(self, folder: Path, sweep: Sweep) -> None:
        """Read what was tried by this search; that of another one is not this one's.

        Raises ConfigError when the file cannot be read.
        """
        self.path = folder / "search.json"
        self.identity = identity(sweep)
        self.finished = 0
        self.conditions: dict[str, Entry] = {}
        self.replaced = 0
        """Conditions in the file that another search tried."""
        if not self.path.is_file():
            return
        try:
            known = json.loads(self.path.read_text())
            same = known["search"] == self.identity
            conditions, finished = known["conditions"], int(known["finished"])
            conditions = dict(sorted(conditions.items(), key=_number))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(
                f"{self.path} cannot be read; delete it to begin the search anew (what "
                "was trained stays in the store)."
            ) from None
        if same:
            self.conditions, self.finished = conditions, finished
        else:
            self.replaced = len(conditions)

    def begin(self, condition: str, values: dict[str, Any]) -> Entry:
        """The entry of a condition, a new one where it is tried for the first time."""
        number = 1 + max((e["number"] for e in self.conditions.values()), default=0)
        fresh: Entry = {"number": number, "values": values, "state": RUNNING}
        fresh["reports"] = []
        return self.conditions.setdefault(condition, fresh)

    def tried(self) -> set[str]:
        """The names of the conditions, of members the present ones."""
        return {e.get("condition", name) for name, e in self.conditions.items()}

    def write(self) -> None:
        """Put it on disk."""
        about = {"search": self.identity, "finished": self.finished}
        write_json(self.path, {**about, "conditions": self.conditions})

    def stopped(self) -> dict[str, int]:
        """Conditions that were stopped, and after how many trials."""
        return {
            condition: int(entry["reports"][-1]["trials"])
            for condition, entry in self.conditions.items()
            if entry["state"] == STOPPED
        }


def _number(item: tuple[str, Entry]) -> int:
    return item[1]["number"]


def identity(sweep: Sweep) -> str:
    """What a search is, as a hash: all but how many conditions are asked for."""
    if sweep.search is None:
        return ""
    said = sweep.search.model_dump(mode="json")
    if said["searcher"]:
        del said["searcher"]["conditions"]
    text = json.dumps([said, sweep.seed, sweep.networks], sort_keys=True)
    return digest(text, size=8)


def with_tried(plan: LoadedSweep, source: Source, folder: Path) -> LoadedSweep:
    """A plan with the conditions that its search has tried; others have them all."""
    if not plan.corners:
        return plan
    tried = Ledger(folder, plan.sweep).conditions
    if isinstance(plan.sweep.search and plan.sweep.search.scheduler, Pbt):
        return plan._replace(conditions=members_of(tried, source))
    made = conditions_of(source, CATALOGUE, (e["values"] for e in tried.values()))
    # the file may have said otherwise when they were tried
    same = tuple(c for c in made if condition_name(c.config) in tried)
    return plan._replace(conditions=same)


def asked_for(plan: LoadedSweep, ledger: Ledger | None) -> int:
    """How many conditions a sweep asks for; of a search at its end, those it tried."""
    search = plan.sweep.search
    asked = search.chooser.conditions if search and search.chooser else 0
    if ledger is None or ledger.finished >= asked:
        return len(plan.conditions)
    return max(len(plan.conditions), asked)
