"""Papers done again: a sweep for each scale, and claims as functions over its records.

A new study: one file of claims, a sweep file for each scale, one entry in STUDIES.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from popnet.records import Run
from popnet.records.findings import Finding
from popnet.studies import heterogeneity, likeness
from popnet.studies.evidence import Evidence, gathered

HERE = Path(__file__).parent


class Study(NamedTuple):
    """A paper, and how to do it again."""

    reference: str
    summary: str
    scales: dict[str, Path]
    """The sweep file of each scale."""
    memory: frozenset[str]
    """Tasks whose answer needs a stimulus that is over."""
    related: frozenset[tuple[str, str]]
    """Tasks trained on and tested on that ask for one computation."""
    claims: tuple[Callable[[Evidence], Finding | list[Finding]], ...]
    """Each gives one or more rows of the table."""


STUDIES: dict[str, Study] = {
    "heterogeneity": Study(
        "Santhosh & Narayanan 2026, bioRxiv 10.64898/2026.04.03.716300 (abstract)",
        "do graded time constants change how networks learn, move, break and transfer?",
        {
            "quick": HERE / "heterogeneity_quick.yaml",
            "paper": HERE / "heterogeneity_paper.yaml",
        },
        heterogeneity.MEMORY,
        frozenset(likeness.RELATED),
        (
            heterogeneity.learning,
            heterogeneity.task_dependence,
            heterogeneity.not_monotone,
            heterogeneity.tau,
            heterogeneity.memory_breaks,
            heterogeneity.jitter_is_worst,
            heterogeneity.drops_not_monotone,
            likeness.transfer,
            likeness.degeneracy,
        ),
    ),
}


def judged(study: Study, evidence: Evidence) -> list[Finding]:
    """Every claim of a study, held against the evidence."""
    rows: list[Finding] = []
    for claim in study.claims:
        made = claim(evidence)
        rows += [made] if isinstance(made, Finding) else made
    return rows


def conclude(study: Study, run: Run) -> list[Finding]:
    """Every claim of a study, held against what its run recorded."""
    return judged(study, gathered(run))
