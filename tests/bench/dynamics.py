"""Times popnet's metrics of dynamics beside the package dsa-metric.  Prints a table.

    python tests/bench/dynamics.py [NETWORKS [PAIRS]]

50 made-up networks of 64 units in 32 trials of 50 steps, 5 delays, rank 20; the package
is timed on 5 of the pairs, with its 1,500 iterations.  CPU seconds of one thread in one
process; fits, pairs and the package take turns, pair by pair.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
from helpers import dsa_package

from popnet.metrics import METRICS, Prepared, Subject

UNITS, TRIALS, STEPS = 64, 32, 50
PAIRS_OF_50 = 1225


def made_up(number: int) -> Subject:
    """A random network, its gain its own, under pulses that are the same for all."""
    common, own = np.random.default_rng(0), np.random.default_rng(1 + number)
    u = common.choice([-1.0, 0.0, 1.0], (TRIALS, STEPS, 3), p=[0.15, 0.7, 0.15])
    gain = own.uniform(0.9, 1.6)
    w = gain * own.standard_normal((UNITS, UNITS)) / np.sqrt(UNITS)
    b = own.standard_normal((UNITS, 3))
    x, rates = np.zeros((TRIALS, UNITS)), []
    for t in range(STEPS):
        x = np.tanh(x @ w.T + u[:, t] @ b.T)
        rates.append(x)
    return Subject(input_BTI=u, trained_BTN=np.stack(rates, 1).astype(np.float32))


def timed(do: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of one call, and its result."""
    began = time.process_time()
    result = do()
    return time.process_time() - began, result


def prepared(name: str, subjects: list[Subject]) -> tuple[float, list[Prepared]]:
    """CPU seconds per network, and what is compared."""
    metric = METRICS[name]
    settings = metric.settings()
    seconds, made = timed(lambda: [metric.prepare(settings, s) for s in subjects])
    return seconds / len(subjects), made


def searches(made: list[Prepared], against: int) -> tuple[list[float], list[float]]:
    """CPU seconds per pair of popnet and of the package, and both distances' means."""
    metric = METRICS["dsa"]
    settings = metric.settings(score="euclidean")
    pairs = list(combinations(made, 2))
    metric.compare(settings, *[[p] for p in pairs[0]])  # compiled, or loaded
    ours, theirs, found = [], [], []
    for number, (a, b) in enumerate(pairs):
        seconds, values = timed(lambda a=a, b=b: metric.compare(settings, [a], [b]))
        ours.append(seconds)
        if number % max(1, len(pairs) // against) == 0 and len(theirs) < against:
            operators = a["operator_RR"], b["operator_RR"]
            seconds, other = timed(lambda o=operators: dsa_package.distance(*o))
            theirs.append(seconds)
            found.append((float(values.value_M[0]), other))
    lower = sum(one <= other + 1e-4 for one, other in found)
    means = [float(np.mean(column)) for column in zip(*found, strict=True)]
    return [float(np.mean(ours)), float(np.mean(theirs))], [*means, lower, len(found)]


def all_pairs(name: str, made: list[Prepared]) -> float:
    """CPU seconds of 1,225 pairs at once."""
    metric = METRICS[name]
    settings = metric.settings()
    pairs = list(combinations(made, 2))
    chosen = [pairs[k % len(pairs)] for k in range(PAIRS_OF_50)]
    one, other = ([pair[side] for pair in chosen] for side in (0, 1))
    return timed(lambda: metric.compare(settings, one, other))[0]


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    networks, against = (*map(int, sys.argv[1:]), *(50, 5)[len(sys.argv) - 1 :])
    subjects = [made_up(number) for number in range(networks)]
    fit, made = prepared("dsa", subjects)
    rates = [s.trained_BTN for s in subjects[:3]]
    their_fit, _ = timed(lambda: [dsa_package.operator(r, 5, 20) for r in rates])
    (ours, theirs), (one, other, lower, of) = searches(made, against)
    print("| what | popnet | dsa-metric | ratio | asked |\n|---|---|---|---|---|")
    ratio = f"**{their_fit / 3 / fit:.1f}**"
    print(f"| fit, a network | {fit:.3f} s | {their_fit / 3:.3f} s | {ratio} | |")
    what = f"DSA, a pair of {networks} networks"
    cells = f"{ours:.3f} s | {theirs:.2f} s | **{theirs / ours:.0f}** | 20"
    print(f"| {what} | {cells} |")
    cells = (
        f"{one:.4f} | {other:.4f} | popnet's is not higher in {lower:.0f} of {of:.0f}"
    )
    print(f"| its distance, mean | {cells} | all |")
    print("| DSA, rotations alone | | fastDSA is not on the package index | | |")
    driven, systems = prepared("input_dsa", subjects)
    cells = f"{all_pairs('input_dsa', systems):.2f} s | | | 2 s"
    print(f"| InputDSA, 1,225 pairs | {cells} |")
    print(f"| its fit, a network | {driven:.3f} s | | | |")
    seconds = all_pairs("eigenvalues", prepared("eigenvalues", subjects)[1])
    print(f"| eigenvalues, 1,225 pairs | {seconds:.2f} s | | | |")


if __name__ == "__main__":
    main()
