"""A case: some rows of the table that are measured together.

A floor is what popnet must reach, an aim what is hoped for; None: reported only.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

from processes import Side, running
from table import Row, number, speed
from timing import SGEMM, Effort, Speed, Worker, faster_product, interleaved, ratio

Products = Sequence[Worker]
"""The machine's own matrix products, timed in every round of every case."""


class Case(NamedTuple):
    """Some rows of the table, measured together."""

    title: str
    measure: Callable[[Effort, Products], list[Row]]
    slow: bool = False
    """Left out of a quick look."""


class Claim(NamedTuple):
    """What popnet is measured against."""

    against: Side
    floor: float | None = None
    aim: float | None = None


PRODUCT = Side(SGEMM, "")
"""Beside every case; stands for the faster of the two."""


def timed(
    title: str, unit: str, own: Side, claims: Sequence[Claim], work: float = 0.0,
    slow: bool = False,
) -> Case:  # fmt: skip
    """A case of CPU time.  ``work``: GFLOP per unit."""

    def measure(effort: Effort, products: Products) -> list[Row]:
        others = [claim.against for claim in claims if claim.against != PRODUCT]
        with running(title, [own, *others]) as agreed:
            speeds = interleaved([*agreed, *products], effort)
        speeds[SGEMM] = faster_product([speeds[one.name] for one in products])
        SGEMM_SEEN.extend(speeds[SGEMM].rates)
        return [_row(claim, speeds) for claim in claims]

    def _row(claim: Claim, speeds: dict[str, Speed]) -> Row:
        ours, theirs = speeds[own.name], speeds[claim.against.name]
        scale = unit
        if claim.against == PRODUCT:
            ours = Speed([rate * work for rate in ours.rates], ours.system)
            scale = "GFLOP"
        found = ratio(ours.rates, theirs.rates)
        shown = speed(ours, scale), claim.against.name, speed(theirs, scale)
        return Row(title, *shown, found, claim.floor, claim.aim)

    return Case(title, measure, slow)


def within(title: str, units: float, seconds: float, own: Side) -> Case:
    """A case with a limit: ``units`` of work in so many CPU seconds of one thread.

    The ratio is the limit over the time taken, so its floor is 1.
    """

    def measure(effort: Effort, products: Products) -> list[Row]:  # noqa: ARG001
        with running(title, [own]) as agreed:
            rates = interleaved(agreed, effort)[own.name].rates
        taken = [units / rate for rate in rates]
        found = ratio([seconds] * len(taken), taken)
        shown = f"{number(statistics.median(taken))} s", "the limit"
        return [Row(title, *shown, f"{number(seconds)} s", found, 1, 2)]

    return Case(title, measure)


def untimed(title: str, against: str) -> Case:
    """A row that says aloud what could not be measured, and why."""
    row = Row(title, "", against, "not timed")
    return Case(title, lambda effort, products: [row])  # noqa: ARG005


SGEMM_SEEN: list[float] = []
"""GFLOP/s of every round so far, for the caption."""
