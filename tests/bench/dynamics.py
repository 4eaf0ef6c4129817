"""Metrics of linear dynamics, popnet's side: made-up networks, their fits, all pairs.

P networks, B trials, T time steps, N units, I inputs, R rank, M pairs.  The networks
are random, each with a gain of its own, and are driven by the pulses of a flip-flop
that are the same for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, cycle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from side import Made, give

NETWORKS, UNITS, TRIALS, STEPS, INPUTS = 50, 64, 32, 50, 3
DELAYS, RANK = 5, 20
AGAINST = 9
"""Pairs that the package searches too, and parts of all pairs: one in each round."""


def drawn(networks: int, units: int = UNITS) -> tuple[NDArray[Any], NDArray[Any]]:
    """Inputs [B, T, I] and rates [P, B, T, N], float32; seeded by the network."""
    common = np.random.default_rng(0)
    size = TRIALS, STEPS, INPUTS
    input_BTI = common.choice([-1.0, 0.0, 1.0], size, p=[0.15, 0.7, 0.15])
    rates_P = [_rates(input_BTI, 1 + p, units) for p in range(networks)]
    return input_BTI.astype(np.float32), np.stack(rates_P)


def _rates(input_BTI: NDArray[Any], seed: int, units: int) -> NDArray[np.float32]:
    random = np.random.default_rng(seed)
    gain = random.uniform(0.9, 1.6)
    w_NN = gain * random.standard_normal((units, units)) / np.sqrt(units)
    b_NI = random.standard_normal((units, INPUTS))
    r_BN, kept = np.zeros((TRIALS, units)), []
    for t in range(STEPS):
        r_BN = np.tanh(r_BN @ w_NN.T + input_BTI[:, t] @ b_NI.T)
        kept.append(r_BN)
    return np.stack(kept, 1).astype(np.float32)


def _prepared(name: str, networks: int, rank: int, **given: Any) -> tuple[Any, ...]:
    """The metric, its settings and the prepared form of every network."""
    from popnet.metrics import METRICS, Subject

    metric: Any = METRICS[name]
    settings = metric.settings(delays=DELAYS, rank=rank, **given)
    input_BTI, rates_PBTN = drawn(networks)
    subjects = [Subject(input_BTI=input_BTI, trained_BTN=x) for x in rates_PBTN]
    return metric, settings, subjects, [metric.prepare(settings, s) for s in subjects]


def fitted(folder: Path, networks: int = NETWORKS, rank: int = RANK) -> Made:
    """DSA's operator of each network; agrees in the singular values at norm 1."""
    metric, settings, subjects, made = _prepared("dsa", networks, rank)
    some = subjects[:AGAINST]
    give(folder, rates_PBTN=np.stack([s.trained_BTN for s in some]), rank=rank)
    values = [np.linalg.svd(p["operator_RR"], compute_uv=False) for p in made[:AGAINST]]

    def fits() -> None:
        for subject in some:
            metric.prepare(settings, subject)

    return Made(fits, len(some), {"singular values": np.stack(values)})


def aligned(
    folder: Path, networks: int = NETWORKS, rank: int = RANK, parts: int = AGAINST
) -> Made:
    """DSA of all pairs, a part of them in each run: in the rounds of `make bench`, all.

    The package may find another minimum of the same operators, but not a lower one.
    """
    metric, settings, _, made = _prepared("dsa", networks, rank, score="euclidean")
    pairs = list(combinations(made, 2))
    some = pairs[:: -(-len(pairs) // AGAINST)]
    operators = [[p["operator_RR"] for p in pair] for pair in some]
    give(folder, operators_M2RR=np.array(operators))
    found = metric.compare(settings, *map(list, zip(*some, strict=True)))
    # parts of one size; the last pairs of all are met by the first part again
    size = -(-len(pairs) // parts)
    wrapped = [*pairs, *pairs[:size]]
    turn: Iterator[int] = cycle(range(0, len(pairs), size))

    def part() -> None:
        first = next(turn)
        chosen = wrapped[first : first + size]
        metric.compare(settings, *map(list, zip(*chosen, strict=True)))

    return Made(part, size, {"distance at most": found.value_M})


def driven(folder: Path, networks: int = NETWORKS, rank: int = RANK) -> Made:
    """InputDSA of all pairs after the fits; agrees in the distance of the states."""
    given = {"score": "euclidean", "of": "state"}
    metric, settings, _, made = _prepared("input_dsa", networks, rank, **given)
    pairs = list(combinations(made, 2))
    one, other = map(list, zip(*pairs, strict=True))
    some = [[p["system_RS"] for p in pair] for pair in pairs[:AGAINST]]
    give(folder, systems_M2RS=np.array(some))

    def scores() -> NDArray[np.float64]:
        return metric.compare(settings, one, other)

    return Made(scores, len(pairs), {"state": scores()[:AGAINST]})
