"""Parts of pages that are made of one run: a table of trials, figures of its report."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import popnet as pn
from popnet.analysis.intervals import mean_interval
from popnet.report.population import RunTables, load
from popnet.report.sections import Section
from popnet.report.style import house_style


def drawn(run: pn.Run, section: Callable[[RunTables], Section], file: Path) -> None:
    """Save the first figure of a section of the run's report."""
    with house_style():
        (drawing, *_) = section(load(run)).drawings
        drawing.figure.savefig(file, dpi=160)


DNMS = (
    "<!-- dnms, made by `make published`: do not edit -->",
    "<!-- end of dnms -->",
)


FLATNESS = (
    "<!-- flatness, made by `make published`: do not edit -->",
    "<!-- end of flatness -->",
)
THEIR_SHARES = {1e-7: 36.9, 1e-6: 62.8, 1e-5: 79.9, 1e-4: 89.9, 1e-3: 95.8, 1e-2: 99.0}
"""Published, in percent, by mu."""


def placed(page: Path, marks: tuple[str, str], lines: list[str]) -> None:
    """Put lines between two marks on a page."""
    begin, end = marks
    before, rest = page.read_text().split(begin)
    made = "\n".join([begin, "", *lines, "", end])
    page.write_text(before + made + rest.split(end)[1])


def miconi(run: pn.Run) -> list[str]:
    """Trials to criterion of DNMS beside the published ones."""
    lines = [
        "| trials to criterion | lower quartile | median (95 % bootstrap interval) "
        "| upper quartile | not converged by 4,000 |",
        "|---|---|---|---|---|",
    ]
    for accuracy, own in run.table().groupby("train.until.accuracy"):
        trials = own["trials_to_criterion"].fillna(own["train.trials"])
        low, middle, high = np.quantile(trials, [0.25, 0.5, 0.75])
        count, failed = len(own), int(own["trials_to_criterion"].isna().sum())
        drawn_RP = np.random.default_rng(0).integers(count, size=(10_000, count))
        medians_R = np.median(trials.to_numpy(float)[drawn_RP], axis=1)
        a, b = np.quantile(medians_R, [0.025, 0.975])
        lines.append(
            f"| here, {100 * accuracy:.0f} of 100, {count} seeds | {low:,.0f} | "
            f"{middle:,.0f} ({a:,.0f} to {b:,.0f}) | {high:,.0f} | "
            f"{failed} of {count}, counted as 4,000 |"
        )
    day = time.strftime("%d %B %Y").lstrip("0")
    return [
        *lines,
        "| Miconi 2017, 20 runs | 692 | 843 | 1,125 | not said |",
        "",
        f"*{day}; the same seeds at both criteria.*",
    ]


def flatness(run: pn.Run) -> list[str]:
    """The curvature of the loss of the 3-bit flip-flop beside the published one."""
    table = run.table()
    table = table[table["trials_to_criterion"].notna()]
    columns = {c.split("(")[0]: c for c in table.columns}
    own = table[columns["hessian_participation_ratio"]]
    curved = mean_interval(own)
    lines = [
        f"| Hessian of the loss | here, {len(table)} networks | published |",
        "|---|---|---|",
        f"| participation ratio: mean ± sd (95 % interval of the mean) | "
        f"{curved.value:.1f} ± {own.std():.1f} ({curved.low:.1f} to {curved.high:.1f}) "
        "| 23.2 ± 1.6, 5 networks |",
        f"| largest eigenvalue: median (least to largest) | "
        f"{middle_and_ends(table[columns['hessian_top']])} | 10.8 |",
    ]
    shares = [c for c in table.columns if c.startswith("flat_share")]
    by_mu = {float((re.search(r"mu=([^,)]*)", c) or [0, 1e-3])[1]): c for c in shares}
    for mu, theirs in THEIR_SHARES.items():
        lines.append(
            f"| % of directions below 10^{round(np.log10(mu))} of it: median (least to "
            f"largest) | {middle_and_ends(100 * table[by_mu[mu]])} | {theirs} |"
        )
    day = time.strftime("%d %B %Y").lstrip("0")
    chance = 100 * (1 - 0.5 ** (len(table) - 1))
    return [
        *lines,
        "",
        f"*`published_flatness`, {day}; the range of so many networks holds the true "
        f"median with a probability of {chance:.0f} %.*",
    ]


def middle_and_ends(values: pd.Series) -> str:
    """The median, the least and the largest, in words."""
    return f"{values.median():.1f} ({values.min():.1f} to {values.max():.1f})"
