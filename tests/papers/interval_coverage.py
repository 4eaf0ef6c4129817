"""Simulates how often intervals and tests are right; fills a part of tests/README.md.

``python tests/papers/interval_coverage.py``: some minutes on 2 cores.  What is
simulated is what verdicts of a study are made of; ``tests/analysis`` asserts the same
with fewer samples.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from popnet.analysis.interactions import interaction_test
from popnet.analysis.intervals import excluded_at, jackknifed

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]
PAGE = Path(__file__).resolve().parents[1] / "README.md"
BEGIN = "<!-- made by `python tests/papers/interval_coverage.py`: do not edit -->"
END = "<!-- end of the simulations -->"
SEEDS = (5, 6, 12, 20, 24)
SAMPLES = 40_000
SHAPES: dict[str, tuple[Draw, float]] = {
    "normal": (lambda r, size: r.standard_normal(size), 0.0),
    "uniform": (lambda r, size: r.random(size), 0.5),
    "Student's t, 3 degrees": (lambda r, size: r.standard_t(3, size), 0.0),
    "exponential": (lambda r, size: r.exponential(size=size), 1.0),
    "lognormal, 0.5": (lambda r, size: r.lognormal(0, 0.5, size), np.exp(0.125)),
    "lognormal, 1": (lambda r, size: r.lognormal(0, 1, size), np.exp(0.5)),
    "50 % zeros, else uniform": (
        lambda r, size: r.random(size) * (r.random(size) < 0.5), 0.25
    ),
    "80 % zeros, else uniform": (
        lambda r, size: r.random(size) * (r.random(size) < 0.2), 0.1
    ),
    "15 % of a second kind, 10 deviations off": (
        lambda r, size: r.standard_normal(size) + 10 * (r.random(size) < 0.15), 1.5
    ),
}  # fmt: skip


def means() -> list[str]:
    """Coverage of the interval of a mean, and of Student's beside it."""
    lines = [f"| values | {' | '.join(f'n = {n}' for n in SEEDS)} |"]
    lines.append("|---" * (1 + len(SEEDS)) + "|")
    for name, (draw, truth) in SHAPES.items():
        cells = []
        for n in SEEDS:
            values = draw(np.random.default_rng(n), (SAMPLES, n))
            differ = values != np.median(values, axis=1)[:, None]
            judged = differ.sum(axis=1) >= 3
            own = np.mean(excluded_at(values[judged], truth) >= 0.05)
            half = student.ppf(0.975, n - 1) * values.std(axis=1, ddof=1) / np.sqrt(n)
            plain = np.mean(np.abs(values.mean(axis=1) - truth) <= half)
            none = f"; none for {1 - judged.mean():.0%}" * bool(judged.mean() < 0.995)
            cells.append(f"**{own:.3f}** ({plain:.3f}{none})")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def pairs() -> str:
    """Coverage of the mean over pairs of seeds, a pair's value the sum of two."""
    cells = []
    for n in SEEDS:
        own = np.random.default_rng(n).standard_normal((SAMPLES, n))
        total = own.sum(axis=1)
        whole = 2 * total / n
        without = 2 * (total[:, None] - own) / (n - 1)
        covered = np.mean(excluded_at(jackknifed(whole, without), 0.0) >= 0.05)
        cells.append(f"**{covered:.3f}**")
    return f"| pairs of n seeds, jackknifed | {' | '.join(cells)} |"


NULLS: dict[str, Callable[[np.random.Generator, int], Array]] = {
    "all cells alike noisy": lambda r, n: r.standard_normal((1000, 6, n, 6)),
    "tasks differ in noise, 0.2 to 5": lambda r, n: (
        r.standard_normal((1000, 6, n, 6))
        * np.array([0.2, 0.5, 1, 1, 3, 5])[:, None, None]
    ),
    "noise grows with the level, 0.2 to 3": lambda r, n: (
        r.standard_normal((1000, 6, n, 6)) * np.linspace(0.2, 3, 6)
    ),
    "levels share draws (a random walk)": lambda r, n: np.cumsum(
        r.standard_normal((1000, 6, n, 6)), axis=3
    ),
    "exponential": lambda r, n: r.exponential(size=(1000, 6, n, 6)),
}


def interactions() -> list[str]:
    """How often the test of task x level rejects at 0.05."""
    lines = ["| task x level, 6 x 6 | n = 12 | n = 24 |", "|---|---|---|"]
    rise = 0.6 * np.linspace(-1, 1, 6) * (np.arange(6) < 3)[:, None, None]
    cases = {f"null: {name}": (draw, 0.0) for name, draw in NULLS.items()}
    cases["three tasks rise by 1.2 deviations"] = (NULLS["all cells alike noisy"], rise)
    for name, (draw, effect) in cases.items():
        cells = []
        for n in (12, 24):
            random = np.random.default_rng(n)
            p = [interaction_test(draw(random, n) + effect)[1] for _ in range(10)]
            cells.append(f"{np.mean(np.array(p) <= 0.05):.3f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Simulate, then write the page's part."""
    day = time.strftime("%d %B %Y").lstrip("0")
    lines = [
        BEGIN,
        "",
        f"Share of {SAMPLES:,} samples whose 95 % interval holds the true mean (in "
        "brackets Student's; samples in which fewer than three values differ from the "
        "others have no interval and no verdict, and do not count):",
        "",
        *means(),
        pairs(),
        "",
        "Below 0.94 they fall where a rare second kind of network is missing from the "
        "sample: nothing in it tells of them.",
        "",
        "Share of 10,000 experiments in which the test of a dependence on the task "
        "rejects at 0.05:",
        "",
        *interactions(),
        "",
        f"*`python tests/papers/interval_coverage.py`, {day}.*",
        "",
        END,
    ]
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + "\n".join(lines) + rest.split(END)[1])


if __name__ == "__main__":
    main()
