"""A case: some rows of the table that are measured together.

A floor is what popnet must reach, an aim what is hoped for; None: reported only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from table import Row, speed
from timing import SGEMM, Effort, Side, ratio, with_sgemm

Claim = tuple[str, float | None, float | None]
"""Against which side, floor, aim."""


class Case(NamedTuple):
    """Some rows of the table, measured together."""

    title: str
    measure: Callable[[Effort], list[Row]]
    slow: bool = False
    """Left out of a quick look."""


def timed(
    title: str, unit: str, make: Callable[[], Sequence[Side]], claims: Sequence[Claim],
    work: float = 0.0, slow: bool = False,
) -> Case:  # fmt: skip
    """A case of CPU time; popnet is the first side.  ``work``: GFLOP per unit."""

    def measure(effort: Effort) -> list[Row]:
        sides = make()
        rates = with_sgemm(sides, effort)
        SGEMM_SEEN.extend(rates[SGEMM])
        rows = []
        for against, floor, aim in claims:
            own, theirs, scale = rates[sides[0].name], rates[against], unit
            if against == SGEMM:
                own, scale = [rate * work for rate in own], "GFLOP"
            found = ratio(own, theirs)
            speeds = speed(own, scale), against, speed(theirs, scale)
            rows.append(Row(title, *speeds, found, floor, aim))
        return rows

    return Case(title, measure, slow)


SGEMM_SEEN: list[float] = []
"""GFLOP/s of every round so far, for the caption."""
