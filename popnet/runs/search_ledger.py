"""The ledger of a search records the conditions it has tried and their scores.

It is the file ``search.json`` in a run's folder, which is written whole or not at all:

    {"search": identity, "finished": conditions, "conditions": {condition: {"number",
     "values", "state", "scheduler", "reports": [{"trials", "score", "low", "high"}]}}}

Conditions are numbered in the order in which they were tried.  A ``state`` is running,
stopped (by the scheduler, at the trials of the last report) or done.  ``finished`` is
the number of conditions asked for when the search last ended, and 0 before.  Scores are
medians over the condition's networks; low and high are their quartiles.

In population-based training the conditions are members, named "member 1" and so on.
``values`` are a member's present values, ``earlier`` [[until, values]] are its earlier
ones with the trial at which each ended, ``condition`` is the name of the condition with
this history, and ``reached`` is the trial it has reached.
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
from popnet.runs.checksums import Damaged, read_checked, write_checked_json

RUNNING, STOPPED, DONE = "running", "stopped", "done"
TriedCondition = dict[str, Any]


def members_of(
    tried: dict[str, TriedCondition], source: Source
) -> tuple[Condition, ...]:
    """Return the present members of population-based training, each once."""
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
    """Return a member as a condition.

    ``earlier`` holds pairs of a trial and the values that the member had until then.
    """

    def condition(given: dict[str, Any]) -> Condition:
        return conditions_of(source, CATALOGUE, [given])[0]

    pieces = tuple((until, condition(given)) for until, given in earlier)
    return condition(values)._replace(earlier=pieces, member=number)


class Ledger:
    """The ledger of one search.  Opening it writes nothing."""

    def __init__(self, folder: Path, sweep: Sweep) -> None:
        """Read the ledger; entries that another search wrote are left out.

        Raises ConfigError when the file cannot be read.
        """
        self.path = folder / "search.json"
        self.identity = identity(sweep)
        self.finished = 0
        self.conditions: dict[str, TriedCondition] = {}
        self.replaced = 0
        """Number of conditions in the file that another search tried."""
        if not self.path.is_file():
            return
        try:
            known = json.loads(read_checked(folder, self.path.name))
            same = known["search"] == self.identity
            conditions, finished = known["conditions"], int(known["finished"])
            conditions = dict(sorted(conditions.items(), key=_number))
        except Damaged:
            raise
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(
                f"{self.path} cannot be read; delete it to begin the search anew (what "
                "was trained stays in the store)."
            ) from None
        if same:
            self.conditions, self.finished = conditions, finished
        else:
            self.replaced = len(conditions)

    def begin(self, condition: str, values: dict[str, Any]) -> TriedCondition:
        """Return a condition's entry; it is added when the condition is tried first."""
        number = 1 + max((e["number"] for e in self.conditions.values()), default=0)
        fresh: TriedCondition = {"number": number, "values": values, "state": RUNNING}
        fresh["reports"] = []
        return self.conditions.setdefault(condition, fresh)

    def tried(self) -> set[str]:
        """Return the names of the conditions tried; for members, the present ones."""
        return {e.get("condition", name) for name, e in self.conditions.items()}

    def write(self) -> None:
        """Write the ledger to disk."""
        about = {"search": self.identity, "finished": self.finished}
        whole = {**about, "conditions": self.conditions}
        write_checked_json(self.path.parent, self.path.name, whole)

    def stopped(self) -> dict[str, int]:
        """Return the stopped conditions, each with its number of trials."""
        return {
            condition: int(entry["reports"][-1]["trials"])
            for condition, entry in self.conditions.items()
            if entry["state"] == STOPPED
        }


def _number(item: tuple[str, TriedCondition]) -> int:
    return item[1]["number"]


def identity(sweep: Sweep) -> str:
    """Return a hash of a search's settings, without the number of conditions."""
    if sweep.search is None:
        return ""
    settings = sweep.search.model_dump(mode="json")
    if settings["searcher"]:
        del settings["searcher"]["conditions"]
    text = json.dumps([settings, sweep.seed, sweep.networks], sort_keys=True)
    return digest(text, size=8)


def with_tried(plan: LoadedSweep, source: Source, folder: Path) -> LoadedSweep:
    """Return the plan of a search with the tried conditions; others are unchanged."""
    if not plan.corners:
        return plan
    tried = Ledger(folder, plan.sweep).conditions
    if isinstance(plan.sweep.search and plan.sweep.search.scheduler, Pbt):
        return plan._replace(conditions=members_of(tried, source))
    built = conditions_of(source, CATALOGUE, (e["values"] for e in tried.values()))
    # the file may have said otherwise when they were tried
    same = tuple(c for c in built if condition_name(c.config) in tried)
    return plan._replace(conditions=same)


def asked_for(plan: LoadedSweep, ledger: Ledger | None) -> int:
    """Return the number of conditions asked for; after a search, of those tried."""
    search = plan.sweep.search
    asked = search.chooser.conditions if search and search.chooser else 0
    if ledger is None or ledger.finished >= asked:
        return len(plan.conditions)
    return max(len(plan.conditions), asked)
