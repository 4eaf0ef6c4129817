"""Parts of pages that are made of one run: a table of trials, figures of its report."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import popnet as pn
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
