"""How fast things are side by side: CPU time, in interleaved rounds A, B, C, A, B, C.

On a shared machine speed drifts by a third within minutes.  So what is compared is
timed in turns, a ratio is taken within each round, and its median counts.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch


class Side(NamedTuple):
    """One of the things that are timed together."""

    name: str
    run: Callable[[], object]
    units: float
    """Units of work in one call of ``run``: trials, steps, GFLOP."""


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


Rates = dict[str, list[float]]
"""Units per second of each side, round by round."""

SGEMM_SIZE = 2048
SGEMM = "sgemm"


def interleaved(
    sides: Sequence[Side],
    effort: Effort,
    clock: Callable[[], float] = time.process_time,
) -> Rates:
    """Times the sides in turns.  Each is run before, which also compiles it."""
    repeats = [_repeats(side, effort.least_s, clock) for side in sides]
    rates: Rates = {side.name: [] for side in sides}
    for _ in range(effort.rounds):
        for side, times in zip(sides, repeats, strict=True):
            start = clock()
            for _ in range(times):
                side.run()
            rates[side.name].append(times * side.units / (clock() - start))
    return rates


def _repeats(side: Side, least_s: float, clock: Callable[[], float]) -> int:
    """How often to call it in a round; the first call is not counted."""
    side.run()
    start = clock()
    side.run()
    once = max(clock() - start, 1e-6)
    return max(1, round(least_s / once))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """How many times faster, round by round."""
    by_round = [a / b for a, b in zip(ours, theirs, strict=True)]
    return Ratio(statistics.median(by_round), min(by_round), max(by_round))


def sgemm_sides() -> list[Side]:
    """The machine's own matrix product of float32, by torch's BLAS and by NumPy's."""
    random = np.random.default_rng(0)
    shape = (2, SGEMM_SIZE, SGEMM_SIZE)
    a, b = random.standard_normal(shape, dtype=np.float32)
    c, there = np.empty_like(a), torch.empty(shape[1:])
    left, right = torch.from_numpy(a), torch.from_numpy(b)
    work = 2 * SGEMM_SIZE**3 / 1e9
    return [
        Side(f"{SGEMM} torch", lambda: torch.mm(left, right, out=there), work),
        Side(f"{SGEMM} NumPy", lambda: np.matmul(a, b, out=c), work),
    ]


def with_sgemm(sides: Sequence[Side], effort: Effort) -> Rates:
    """``interleaved``, and in each round the faster of two products, in GFLOP/s."""
    rates = interleaved([*sides, *sgemm_sides()], effort)
    both = [rates.pop(name) for name in list(rates) if name.startswith(SGEMM)]
    rates[SGEMM] = [max(pair) for pair in zip(*both, strict=True)]
    return rates
