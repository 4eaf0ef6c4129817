"""Concludes a study: reads its run once, judges its claims, writes its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from popnet.runs import Run
from popnet.runs.findings import Finding, write_findings
from popnet.studies.page import write_empty_page, write_page
from popnet.studies.study import Study, judged


class Conclusion(NamedTuple):
    """The findings of a study, and the page that shows them."""

    findings: list[Finding]
    page: Path


def conclude(study: Study[Any], run: Run) -> Conclusion:
    """Judge every claim of a study and write `findings.json` and its page."""
    if run.table().empty:
        write_findings(run.folder, [])
        return Conclusion([], write_empty_page(run))
    tables = study.tables(run)
    findings = judged(study, tables)
    write_findings(run.folder, findings)
    return Conclusion(findings, write_page(study, run, tables, findings))
