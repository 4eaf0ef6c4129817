"""A study: a paper done again, its statements held against what its run recorded.

A study is one folder, `popnet/studies/<paper>/`: its sweep files, the tables it
derives from a run, its claims, its figures and a README page made by its run.  Its
`__init__.py` holds one `Study`; `STUDIES` has a line for it.  The frame (this folder)
runs any study: it trains the sweep, reads the tables once, judges every claim and
draws every section.  What the tables are is the study's own affair: the frame only
hands them from `Study.tables` to claims, sections and lead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from popnet.analysis.inference import Effect
from popnet.config import LoadedSweep
from popnet.runs import Run
from popnet.runs.findings import Finding
from popnet.studies.evidence import Evidence
from popnet.studies.power import EXPERIMENTS, power
from popnet.studies.verdicts import verdicts

if TYPE_CHECKING:
    from popnet.report.sections import Section

T = TypeVar("T")
"""The tables of one study."""


class Judgement(NamedTuple):
    """What the tables say on one claim, before its verdict."""

    effect: Effect
    """The number that the page shows, with its interval of 95 %"""
    unit: str
    """The unit of the effect; for a count, what is counted: "of 15 metrics"."""
    evidence: Evidence
    """What the verdict is derived from."""
    note: str = ""


class Claim(NamedTuple, Generic[T]):
    """One statement of a paper, and how it is judged."""

    name: str
    says: str
    """The statement, in popnet's words."""
    statistic: str
    """The quantity that is measured."""
    figure: str
    """The section of the study's page that shows it: a key of ``Study.sections()``."""
    smallest: float
    """The smallest effect of interest, on both sides of none."""
    unit: str
    """The unit of the smallest effect: "doublings"."""
    judge: Callable[[T, float], Judgement]
    """Takes the tables and the smallest effect of interest."""

    @property
    def interest(self) -> str:
        """The smallest effect of interest in words: "0.25 doublings"."""
        return f"{self.smallest:g} {self.unit}"


class Study(NamedTuple, Generic[T]):
    """A paper, and how to do it again."""

    reference: str
    summary: str
    """The question that it answers, in one line."""
    scales: Mapping[str, Path]
    """The sweep file of each scale, the smallest first.  In the sweep file the name of
    the sweep is the study's, a hyphen, and the scale's."""
    refuse: Callable[[LoadedSweep], str | None]
    """The reason why the study cannot use this sweep, which a user may have changed."""
    tables: Callable[[Run], T]
    """Read a run, which has one network at least, for claims and sections alike."""
    claims: tuple[Claim[T], ...]
    sections: Callable[[], Mapping[str, Callable[[T], Section]]]
    """The sections of the page in order, by anchor.  A call imports matplotlib.

    The first figure of a section is named as the section; a second one name_2.
    """
    lead: Callable[[T], str]
    """The page's first sentence: how many networks, and in what they differ."""


def judged(study: Study[T], tables: T, experiments: int = EXPERIMENTS) -> list[Finding]:
    """Judge every claim of a study, corrected for their number.

    ``experiments``: how many of each kind the table of power is made of.
    """
    judgements = [claim.judge(tables, claim.smallest) for claim in study.claims]
    outcomes = verdicts([one.evidence.shown() for one in judgements])
    return [
        Finding(
            claim.name, claim.says, claim.statistic, *judgement.effect[:3],
            judgement.unit, judgement.effect.n, p, verdict, claim.figure,
            judgement.note, claim.interest,
            power(judgement.evidence, len(outcomes), experiments),
        )
        for claim, judgement, (verdict, p)
        in zip(study.claims, judgements, outcomes, strict=True)
    ]  # fmt: skip
