"""The page of a study: its claims in a table, then the figures they point to."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from markupsafe import Markup

from popnet.report.claims import PAGE, claims_table, counted, power_table
from popnet.report.markup import NIL, fill_template
from popnet.report.population import STATUSES
from popnet.report.sections import Drawing, Section, sentences
from popnet.report.style import house_style, thousands
from popnet.report.write import draw, remove_stale
from popnet.runs import Run
from popnet.runs.findings import Finding
from popnet.store.atomic_files import write_bytes
from popnet.studies.study import Study, T

FIGURES = "study"  # the folder of the report's own figures holds those alone
ABOUT_CLAIMS = (
    "n: independent units behind the interval. p: the chance that any verdict of this "
    "page is wrong at which this one would be given, corrected for all claims (Holm); "
    "a verdict is given at 0.05. A claim of an effect does not hold where the effect "
    "is shown to be smaller than the smallest of interest, or to go the other way; a "
    "claim of no effect where one as large as that is shown. A verdict is undecided "
    "where the data show neither at this n."
)
ABOUT_POWER = (
    "Shares of holds / does not hold / undecided at this n, in experiments made of the "
    "run's own deviations between seeds, each judged at the level of the clearest "
    "claim of the page. Planted true: an effect of twice the smallest of interest, or "
    "none where the claim is that there is none. Planted false: its opposite; of parts "
    "that must all hold, one alone is false. Planted null: no effect; where the claim "
    "is that there is none, or more than some size, exactly that size."
)
NOTHING = "No network was recorded yet."


def write_page(
    study: Study[T], run: Run, tables: T, findings: Sequence[Finding]
) -> Path:
    """Write `report/study.html` in the run's folder and return its path.

    Every figure lies beside it in `report/study/`, as SVG and as PNG.  A section whose
    data the run lacks has a sentence in place of its figures.
    """
    with house_style():
        sections = _numbered(section(tables) for section in study.sections().values())
        return _write(run, _lead(study.lead(tables), run), sections, findings)


def write_empty_page(run: Run) -> Path:
    """Write the page of a run that has no network yet."""
    return _write(run, NOTHING, [], [])


def _write(
    run: Run, lead: str, sections: list[Section], findings: Sequence[Finding]
) -> Path:
    folder = run.folder / "report"
    figures = folder / FIGURES
    figures.mkdir(parents=True, exist_ok=True)
    svgs = draw((d for s in sections for d in s.drawings), figures)
    path = folder / PAGE
    write_bytes(path, study_page(run.name, lead, findings, sections, svgs).encode())
    remove_stale(figures, set(svgs))
    return path


def _numbered(sections: Iterable[Section]) -> list[Section]:
    """Put "Figure 1." and so on before the titles of the sections' figures."""
    numbered, count = [], 0
    for section in sections:
        drawings: list[Drawing] = []
        for drawing in section.drawings:
            count += 1
            title = f"Figure {count}. {drawing.title}"
            drawings.append(replace(drawing, title=title))
        numbered.append(replace(section, drawings=drawings))
    return numbered


def study_page(
    name: str,
    lead: str,
    findings: Sequence[Finding],
    sections: Sequence[Section],
    svgs: Mapping[str, Markup],
) -> str:
    """The whole page as text."""
    titles = {d.name: d.title.split(".")[0] for s in sections for d in s.drawings}

    def link(finding: Finding) -> Markup:
        if finding.figure not in titles:
            return NIL
        words = titles[finding.figure]
        return Markup('<a href="#figure-{}">{}</a>').format(finding.figure, words)

    return fill_template(
        "study.html.j2",
        name=name,
        lead=lead,
        counted=counted(findings),
        claims=claims_table(findings, link),
        about=ABOUT_CLAIMS,
        power=power_table(findings),
        about_power=ABOUT_POWER,
        sections=sections,
        svgs=svgs,
        folder=FIGURES,
    )


def _lead(first: str, run: Run) -> str:
    """The study's own sentence, what became of the networks, when and by what made."""
    counts = run.table()["status"].value_counts()
    fates = ", ".join(
        f"{thousands(int(counts[status]))} {words}"
        for status, words in STATUSES.items()
        if status in counts
    )
    made = run.provenance()
    when = str(made.get("started", ""))[:10]
    command = shlex.join(str(word) for word in made.get("command", []))
    return sentences(
        first,
        f"{fates[:1].upper()}{fates[1:]}.",
        f"Launched {when} by `{command}`." if command else "",
    )
