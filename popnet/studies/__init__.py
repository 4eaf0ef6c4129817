"""Papers done again: a sweep for each scale, and claims as functions over its records.

A new study: one file of claims, a sweep file for each scale, one entry in STUDIES.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from popnet.runs import Run
from popnet.runs.findings import Finding
from popnet.studies.heterogeneity import claims, shared_claims
from popnet.studies.heterogeneity.evidence import Evidence, gathered

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
            "quick": HERE / "heterogeneity" / "quick.yaml",
            "paper": HERE / "heterogeneity" / "paper.yaml",
        },
        claims.MEMORY,
        frozenset(shared_claims.RELATED),
        (
            claims.learning,
            claims.task_dependence,
            claims.not_monotone,
            claims.tau,
            claims.memory_breaks,
            claims.jitter_is_worst,
            claims.drops_not_monotone,
            shared_claims.transfer,
            shared_claims.degeneracy,
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
