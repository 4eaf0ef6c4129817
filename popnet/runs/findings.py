"""A study's findings, one per claim, kept in its run's ``findings.json``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from popnet.config import ConfigError
from popnet.runs.checksums import write_checked_json
from popnet.runs.untrusted import read_json

Verdict = Literal["holds", "does not hold", "undecided"]
FILE = "findings.json"
PLANTED = ("true", "false", "null")
"""What the experiments of the table of power are made of, in its order."""
Power = dict[str, dict[str, float]]
"""The chance of each verdict, by what is planted."""


class Finding(NamedTuple):
    """One claim of a paper, with the statistic measured here and its verdict."""

    claim: str
    """Short name of the claim."""
    says: str
    """The claim, in popnet's words."""
    statistic: str
    """Name of the statistic that is measured."""
    value: float
    low: float
    high: float
    """95 % interval over the independent units; NaN where a count has none."""
    unit: str
    n: int
    """Independent units behind the interval: seeds, or networks."""
    p: float | None
    """The chance of a wrong verdict on the page at which this one would be given."""
    verdict: Verdict
    figure: str
    """Name of the figure on the study's page that shows it."""
    note: str
    smallest: str = ""
    """The smallest effect of interest, on both sides of none, in words."""
    power: Power | None = None
    """What the verdict would be at this n; None where nothing was compared."""

    @property
    def measured(self) -> str:
        """Result as text: "0.41 (0.2 to 0.63) doublings, n = 12, p = 0.01"."""
        text = f"{self.value:.3g}"
        if not math.isnan(self.low):
            text += f" ({self.low:.3g} to {self.high:.3g})"
        text += f" {self.unit}, n = {self.n}"
        return text if self.p is None else f"{text}, p = {self.p:.2g}"


def rows_of(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return findings as dicts for JSON, with None in place of NaN."""
    return [
        {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in finding._asdict().items()
        }
        for finding in findings
    ]


def write_findings(folder: Path, findings: Sequence[Finding]) -> None:
    """Write a study's findings into its run's folder."""
    write_checked_json(folder, FILE, rows_of(findings))


def read_findings(folder: Path) -> list[Finding]:
    """Return the findings in a run's folder; [] when there are none.

    Raises ConfigError when the file cannot be read.
    """
    path = folder / FILE
    numbers = ("value", "low", "high")
    try:
        rows = read_json(path, list)
        for row in rows:
            row |= {name: math.nan for name in numbers if row[name] is None}
        return [Finding(**row) for row in rows]
    except (TypeError, KeyError):
        text = f"{path} cannot be read; `popnet study` of the sweep again writes it."
        raise ConfigError(text) from None
