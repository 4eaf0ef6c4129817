"""What a sweep varies: rules, tasks, noise and first weights, and what stands at each.

The cross need not be full.  A place is what tells two conditions apart; sets of places
that differ in one factor alone are found from the conditions themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

MATCHED, PUBLISHED = "matched", "published"
SIDES = (MATCHED, PUBLISHED)
ROOTS = ("network.", "task.", "rule.", "train.")
COMPLEX = "n_context"
SIMPLE = "random_dots"
NEEDED = ("task.name", "task.sigma", "rule.name", "network.gain")
FACTORS = {
    "rule": "learning rule",
    "scale": "initial scale",
    "task": "task",
    "sigma": "input noise",
}


Levels = tuple[float, float | None]
"""Noise and scale."""


class Place(NamedTuple):
    """Where a condition stands in the design."""

    version: str
    """matched, or published: the rule with the network that it was published with"""
    rule: str
    task: str
    """random_dots, or n_context_N"""
    contexts: int
    """N; 1 for random_dots"""
    sigma: float
    """standard deviation of the input's noise"""
    scale: float
    """gain of the first recurrent weights"""


class Design(NamedTuple):
    """The conditions of a sweep by their places."""

    places: dict[str, Place]

    @property
    def tasks(self) -> list[str]:
        """The tasks: random dots first, then by the number of contexts."""
        found = {p.task: (p.task != SIMPLE, p.contexts) for p in self.places.values()}
        return sorted(found, key=found.__getitem__)

    @property
    def rules(self) -> list[str]:
        """The rules, in the sweep's order."""
        return list(dict.fromkeys(place.rule for place in self.places.values()))

    @property
    def scales(self) -> list[float]:
        """The initial scales of the matched version."""
        return sorted({p.scale for _, p in self.own(MATCHED)})

    def own(self, version: str, task: str | None = None) -> list[tuple[str, Place]]:
        """The conditions of a version, and of a task."""
        return [
            (condition, place)
            for condition, place in self.places.items()
            if place.version == version and task in (None, place.task)
        ]

    def contexts(self, task: str) -> int:
        """N of a task."""
        return next(p.contexts for p in self.places.values() if p.task == task)

    def base(self, version: str, task: str) -> Levels:
        """The noise and scale at which most rules have this task.

        Of several, those at which the whole version has most conditions, then the ones
        in the middle.
        """
        here = Counter(levels_of(place) for _, place in self.own(version, task))
        everywhere = Counter(levels_of(place) for _, place in self.own(version))
        middle = [
            float(np.median([x or 0 for x in one]))
            for one in zip(*everywhere, strict=True)
        ]

        def rank(levels: Levels) -> tuple[int, int, float]:
            off = [abs((x or 0) - m) for x, m in zip(levels, middle, strict=True)]
            return here[levels], everywhere[levels], -sum(off)

        return max(here, key=rank, default=(np.nan, None))

    def by_rule(
        self, version: str, task: str, scale: float | None = None
    ) -> dict[str, str]:
        """The condition of each rule at the task's base noise and scale, or another."""
        sigma, base = self.base(version, task)
        wanted = (sigma, base if scale is None else scale)
        return {
            place.rule: condition
            for condition, place in self.own(version, task)
            if wanted == levels_of(place)
        }

    def by_noise(self, task: str) -> dict[str, dict[float, str]]:
        """The matched conditions of each rule by noise, at the base scale."""
        _, base = self.base(MATCHED, task)
        found: dict[str, dict[float, str]] = {}
        for condition, place in self.own(MATCHED, task):
            if place.scale == base:
                found.setdefault(place.rule, {})[place.sigma] = condition
        return _several(found)

    def by_scale(self, task: str) -> dict[str, dict[float, str]]:
        """The matched conditions of each rule by initial scale, at the base noise."""
        sigma, _ = self.base(MATCHED, task)
        found: dict[str, dict[float, str]] = {}
        for condition, place in self.own(MATCHED, task):
            if place.sigma == sigma:
                found.setdefault(place.rule, {})[place.scale] = condition
        return _several(found)

    def families(self, factor: str) -> list[list[str]]:
        """Sets of two or more matched conditions that differ in this factor alone."""
        sets: dict[tuple[object, ...], dict[object, str]] = {}
        for condition, place in self.own(MATCHED):
            own = place._asdict()
            if factor == "task":
                del own["contexts"]
            level = own.pop(factor)
            sets.setdefault(tuple(own.values()), {})[level] = condition
        return [list(one.values()) for one in sets.values() if len(one) > 1]


def levels_of(place: Place) -> Levels:
    """Noise and scale; None for the scale that a published rule brings with it."""
    return place.sigma, place.scale if place.version == MATCHED else None


def _several(found: dict[str, dict[float, str]]) -> dict[str, dict[float, str]]:
    """Those with two levels or more, in the order of levels."""
    return {
        rule: dict(sorted(levels.items()))
        for rule, levels in found.items()
        if len(levels) > 1
    }


def design(conditions: pd.DataFrame) -> Design:
    """The design of conditions: a row each, with ``condition`` and every setting.

    Tasks other than random_dots and n_context have no place.
    """
    places = {}
    for row in conditions.to_dict("records"):
        name = str(row["task.name"])
        if name not in (SIMPLE, COMPLEX):
            continue
        contexts = int(row["task.contexts"]) if name == COMPLEX else 1
        version = MATCHED if row.get("rule.preset") == MATCHED else PUBLISHED
        places[str(row["condition"])] = Place(
            version,
            str(row["rule.name"]),
            f"{COMPLEX}_{contexts}" if name == COMPLEX else name,
            contexts,
            float(row["task.sigma"]),
            float(row["network.gain"]),
        )
    return Design(places)


def repeated(found: Design) -> bool:
    """Return True where two conditions of one place differ in something else."""
    own = {(p.version, p.rule, p.task, *levels_of(p)) for p in found.places.values()}
    return len(own) < len(found.places)


def task_words(task: str) -> str:
    """A task's name in words: "random dots", "2 contexts"."""
    name, _, contexts = task.rpartition("_")
    if name != COMPLEX:
        return task.replace("_", " ")
    return f"{contexts} context{'s' * (contexts != '1')}"


def rule_words(rules: Iterable[str]) -> str:
    """Rules' names in a sentence."""
    return ", ".join(rule.replace("_", " ") for rule in rules)
