"""The bench's table: rows, what they are said to show, and their place on a page."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from timing import Effort, Ratio, Speed

BEGIN = "<!-- made by `make bench`: do not edit -->"
END = "<!-- end of `make bench` -->"
INCLUDED = """\
Every side runs in a process of its own, as its user would run it: the loops in NumPy
with NumPy alone (scipy where dger is used, matplotlib where it is named), the others
with torch alone or with popnet. They take turns, one at a time, with one thread each
(torch, MKL, OpenBLAS, OpenMP and Numba set to one). Times are CPU times of the process,
the system's part included and named where it is a tenth or more; those of the two
workers and of the fixed points of 50 networks are wall times. Before a row is timed all
sides must have computed the same weights or outputs. Learning rows time the rule's own
step, one network after the other, on trials drawn beforehand for all sides, impulses
included; popnet also scores each trial. "With drawing and criterion" adds, on both
sides, drawing the trials and watching for the criterion. `reward_hebbian`: 20 trials a
step, as in training; useful work 160 MFLOP a trial (half of it the trace). `bptt`: the
flip-flop of 3 bits, tau = dt, Adam, clip 1; useful work 6 N² B T. `force`: 1,000 steps
a trial; popnet runs each one twice, as it learns and as it was before, which is what it
scores. The first of its loops is slow because glibc, in a process that never freed a
large array, returns memory to the system at every step; importing matplotlib is enough
to end that, so the second is what a script that plots will see. Linear CKA: centring
and norms included on both sides. DSA: the networks are random and driven by common
pulses; every pair is timed once, over all rounds, and the package's search on 9 of
them, in which popnet's minimum must not be higher by more than 1e-4. The package's
InputDSA is timed as it comes; the distance of the states, which must agree, is taken
with the published controllability matrix. Fixed points: all sides search from the same
starts and must find the same roots; those of 50 networks take all cores. Compiling is
in none of the rows but the last ones."""
PACKAGES = ("torch", "numpy", "numba", "scipy", "ray")


class Row(NamedTuple):
    """One row: popnet against something else."""

    what: str
    popnet: str
    against: str
    theirs: str
    ratio: Ratio | None = None
    floor: float | None = None
    """The least that popnet must reach."""
    aim: float | None = None

    @property
    def brief(self) -> str:
        """On one line, without its title."""
        times = "" if self.ratio is None else f", {number(self.ratio.median)}"
        return f"{self.popnet} against {self.theirs} ({self.against}){times}"

    @property
    def missed(self) -> bool:
        """Whether it is below its floor."""
        below = self.ratio is not None and self.floor is not None
        return below and not self.ratio.median >= self.floor

    @property
    def verdict(self) -> str:
        """In words."""
        if self.ratio is None or self.floor is None or self.aim is None:
            return ""
        if self.missed:
            return "**below the floor**"
        return "aim reached" if self.ratio.median >= self.aim else "floor held"


def number(value: float) -> str:
    """Three digits: 0.412, 41.2, 1,410."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def speed(found: Speed, unit: str) -> str:
    """Median units per second, and whether much of the time was the system's."""
    text = f"{number(statistics.median(found.rates))} {unit}/s"
    return text if found.system < 0.1 else f"{text}, {found.system:.0%} in the system"


def markdown(rows: Sequence[Row]) -> str:
    """The table in Markdown."""
    lines = [
        "| what | popnet | against | its speed | ratio (lowest to highest round) "
        "| floor, aim | |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        found, goal = "", ""
        if row.ratio is not None:
            least, middle, most = sorted(row.ratio)
            found = f"**{number(middle)}** ({number(least)} to {number(most)})"
        if row.floor is not None and row.aim is not None:
            goal = f"{number(row.floor)}, {number(row.aim)}"
        cells = (row.what, row.popnet, row.against, row.theirs, found, goal)
        lines.append("| " + " | ".join([*cells, row.verdict]) + " |")
    return "\n".join(lines)


def processor() -> str:
    """The model of the CPU, its cores, and the width of its vectors."""
    model, flags = platform.processor() or platform.machine(), ""
    known = Path("/proc/cpuinfo")
    if known.is_file():
        pairs = (line.split(":", 1) for line in known.read_text().splitlines())
        about = {p[0].strip(): p[1].strip() for p in pairs if len(p) == 2}
        model, flags = about.get("model name", model), about.get("flags", "")
    vectors = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else ""
    parts = [model, f"{os.cpu_count()} cores", vectors]
    return ", ".join(part for part in parts if part)


def load() -> str:
    """Processes that wanted a core in the last minute."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def allocator(environment: Mapping[str, str] = os.environ) -> str:
    """Whether the environment tells the C library how to keep memory."""
    names = ("MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD")
    found = [f"{k}={v}" for k, v in environment.items() if k.startswith(names)]
    return f"with {', '.join(found)}" if found else "MALLOC settings untouched"


def caption(sgemm: Sequence[float], loads: tuple[str, str], effort: Effort) -> str:
    """Where, when and how it was measured."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    day = time.strftime("%d %B %Y").lstrip("0")
    system = f"Python {platform.python_version()}, {packages}"
    own = (
        f"sgemm of 2048 x 2048, the faster of torch's and NumPy's, "
        f"{number(statistics.median(sgemm))} GFLOP/s "
        f"({number(min(sgemm))} to {number(max(sgemm))} over all rounds)"
        if sgemm
        else "sgemm not measured"
    )
    return (
        f"*`make bench`, {day}: {processor()}; {own}; load at the start {loads[0]}, at "
        f"the end {loads[1]}; {system}; {allocator()}. "
        f"{effort.rounds} interleaved rounds of at least "
        f"{effort.least_s:g} s a side; medians, ratios taken within a round.*"
    )


def replaced(page: str, made: str, begin: str = BEGIN, end: str = END) -> str:
    """The page with the text between its two marks replaced by ``made``."""
    if page.count(begin) != 1 or page.count(end) != 1:
        raise SystemExit(f"README.md: expected one {begin} and, after it, one {end}.")
    before, rest = page.split(begin)
    _, after = rest.split(end)
    return f"{before}{begin}\n\n{made.strip()}\n\n{end}{after}"
