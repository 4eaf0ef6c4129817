"""The page of a study: its claims in a table, then the figures they point to."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path

from popnet.report import markup
from popnet.report.claims import PAGE, claims_table, counted
from popnet.report.population import STATUSES
from popnet.report.recorded_run import RecordedRun
from popnet.report.sections import Drawing, Section, sentences
from popnet.report.style import house_style, thousands
from popnet.report.write import draw, remove_stale
from popnet.runs.findings import Finding
from popnet.store.atomic_files import write_bytes
from popnet.studies.heterogeneity.data import (
    LEVEL,
    MEMORY,
    RELATED,
    Study,
    load_study,
)
from popnet.studies.heterogeneity.degeneracy_figure import degeneracy
from popnet.studies.heterogeneity.dynamics_figures import (
    distance_over_time,
    dynamics,
)
from popnet.studies.heterogeneity.learning_figures import (
    learning,
    learning_errors,
)
from popnet.studies.heterogeneity.matrix_figures import tau_matrix, transfer
from popnet.studies.heterogeneity.robustness_figures import robustness

FIGURES = "study"  # the folder: that of the report keeps the report's own alone
SECTIONS = [
    learning,
    learning_errors,
    dynamics,
    distance_over_time,
    robustness,
    tau_matrix,
    transfer,
    degeneracy,
]


def write_study(
    run: RecordedRun,
    findings: Sequence[Finding],
    *,
    level: str = LEVEL,
    memory: Collection[str] = MEMORY,
    related: Collection[Collection[str]] = RELATED,
) -> Path:
    """Write `report/study.html` in the run's folder and return its path.

    Every figure lies beside it in `report/study/`, as SVG and as PNG. A figure whose
    data the run lacks is left out, with a sentence in its place. `level`: the column
    of the run's table that holds the grade of heterogeneity; `memory`: the tasks to
    call memory-dependent; `related`: pairs of tasks to outline as related.
    """
    folder = run.folder / "report"
    figures = folder / FIGURES
    figures.mkdir(parents=True, exist_ok=True)
    study = load_study(run, level=level, memory=memory, related=related)
    with house_style():
        sections = _numbered(section(study) for section in SECTIONS)
        svgs = draw((d for s in sections for d in s.drawings), figures)
    path = folder / PAGE
    write_bytes(path, study_page(study, findings, sections, svgs).encode())
    remove_stale(figures, set(svgs))
    return path


def _numbered(sections: Iterable[Section]) -> list[Section]:
    """The sections, with "Figure 1." and so on before the titles of their figures."""
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
    study: Study,
    findings: Sequence[Finding],
    sections: Sequence[Section],
    svgs: Mapping[str, str],
) -> str:
    """The whole page as text."""
    name = escape(study.population.run.name)
    titles = {d.name: d.title.split(".")[0] for s in sections for d in s.drawings}

    def link(finding: Finding) -> str:
        if finding.figure not in titles:
            return markup.NIL
        target = escape(finding.figure, quote=True)
        return f'<a href="#figure-{target}">{titles[finding.figure]}</a>'

    body = "\n".join(
        markup.section(
            section,
            [markup.figure(d, svgs[d.name], FIGURES) for d in section.drawings],
        )
        for section in sections
    )
    header = f"""<h1>{name}</h1>
<p class="lead">{lead(study)}</p>
<nav>
{markup.contents(sections)}
<a href="index.html">Report of the run</a>
</nav>"""
    claims = f"""<section id="claims">
<h2>Claims</h2>
<p>{escape(counted(findings))}</p>
{claims_table(findings, link)}
<p class="note">{escape(ABOUT_CLAIMS)}</p>
</section>
"""
    return markup.document(f"{name}, the study", header, claims + body)


ABOUT_CLAIMS = (
    "n: independent units behind the interval. A verdict is undecided where the data "
    "neither support the claim nor speak against it at this n."
)


def lead(study: Study) -> str:
    """How many networks, what became of them, when and by which command, as HTML."""
    networks, run = study.networks, study.population.run
    if networks.empty:
        return "No network was recorded yet."
    counts = networks["status"].value_counts()
    fates = ", ".join(
        f"{thousands(int(counts[status]))} {words}"
        for status, words in STATUSES.items()
        if status in counts
    )
    made = run.provenance()
    when = str(made.get("started", ""))[:10]
    command = escape(shlex.join(str(word) for word in made.get("command", [])))
    several = len(study.configurations)
    levels = ", ".join(f"{level:g}" for level in study.levels)
    return sentences(
        f"{thousands(len(networks))} networks: {len(study.tasks)} tasks, "
        f"{several} configuration{'s' * (several != 1)}, {len(study.levels)} levels of "
        f"<code>{escape(study.level_name)}</code> ({levels}), "
        f"{networks['index'].nunique()} seeds, the same at every level.",
        f"{fates[:1].upper()}{fates[1:]}.",
        f"Launched {when} by <code>{command}</code>." if command else "",
    )
