"""How fast things are side by side: CPU time, in interleaved rounds A, B, C, A, B, C.

On a shared machine speed drifts by a third within minutes.  So what is compared is
timed in turns, one at a time; a ratio is taken within each round, its median counts.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from processes import Side


class Effort(NamedTuple):
    """How long to measure."""

    rounds: int
    least_s: float
    """CPU seconds of each side in each round, at least."""


class Ratio(NamedTuple):
    """A ratio over rounds."""

    median: float
    lowest: float
    highest: float


class Speed(NamedTuple):
    """How fast a side was."""

    rates: list[float]
    """Units per CPU second, round by round."""
    system: float
    """Share of the CPU time that went to the system, as for page faults."""


class Worker(Protocol):
    """What works when it is told to."""

    name: str

    def begin(self, seconds: float) -> None: ...

    def end(self) -> tuple[float, float, float]: ...


SGEMM = "sgemm"
PRODUCTS = [
    Side(f"{SGEMM}, torch", "products:torch_product"),
    Side(f"{SGEMM}, NumPy", "products:numpy_product"),
]


def interleaved(workers: Sequence[Worker], effort: Effort) -> dict[str, Speed]:
    """Times the workers in turns."""
    rounds = []
    for _ in range(effort.rounds):
        for worker in workers:
            worker.begin(effort.least_s)
            rounds.append((worker.name, *worker.end()))
    return {worker.name: _speed(worker.name, rounds) for worker in workers}


def _speed(name: str, rounds: Sequence[tuple[str, float, float, float]]) -> Speed:
    own = [round_[1:] for round_ in rounds if round_[0] == name]
    rates = [units / seconds for units, seconds, _ in own]
    return Speed(rates, sum(s for *_, s in own) / sum(s for _, s, _ in own))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """How many times faster, round by round."""
    by_round = [a / b for a, b in zip(ours, theirs, strict=True)]
    return Ratio(statistics.median(by_round), min(by_round), max(by_round))


def faster_product(products: Sequence[Speed]) -> Speed:
    """In each round the faster of the machine's matrix products."""
    rounds = zip(*(product.rates for product in products), strict=True)
    return Speed([max(rates) for rates in rounds], 0.0)
