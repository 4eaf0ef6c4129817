"""Times of a learning rule as numbers of steps of the network."""

from __future__ import annotations

import math
from typing import NamedTuple

MILLISECOND_S = 0.001
ROUNDING = 1e-9
"""Share of a step by which a quotient of two decimal numbers may miss a whole one."""


def steps_before(time_s: float, dt_s: float) -> int:
    """Return how many steps of a trial begin before this time; the first does at 0."""
    return max(0, math.ceil(time_s / dt_s - ROUNDING))


class Sampling(NamedTuple):
    """How samples at equal intervals lie among the steps of a network."""

    steps: int
    """Steps from one sample to the next."""
    per_step: int
    """Samples within one step; above 1 only where ``steps`` is 1."""


def sampled(every_s: float, dt_s: float) -> Sampling | None:
    """Return the samples; None when neither interval is a multiple of the other."""
    longer, shorter = max(every_s, dt_s), min(every_s, dt_s)
    count = round(longer / shorter)
    if abs(longer / shorter - count) > ROUNDING * count:
        return None
    return Sampling(count, 1) if every_s >= dt_s else Sampling(1, count)


class Updates(NamedTuple):
    """Updates of a rule at intervals that need not be whole steps."""

    steps: int
    """Steps from one update to the next."""
    weight: float
    """Updates that each of them stands for: 1 where the interval is whole steps."""


def updates(every_s: float, dt_s: float) -> Updates:
    """Return the updates nearest to one every ``every_s``, as many per second."""
    steps = max(1, round(every_s / dt_s))
    weight = steps * dt_s / every_s
    return Updates(steps, 1.0 if abs(weight - 1) < ROUNDING else weight)
