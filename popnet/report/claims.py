"""The table of claims: what a study found, for its own page and for the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor, isfinite, log10

from markupsafe import Markup, escape

from popnet.report.markup import NIL, table
from popnet.report.population import RunTables
from popnet.report.sections import Section
from popnet.runs.findings import PLANTED, Finding, read_findings

PAGE = "study.html"
VERDICTS = {  # a sign, a word and a colour: any one of them is enough
    "holds": ("✓", "holds"),
    "does not hold": ("✗", "fails"),
    "undecided": ("?", "open"),
}
MINUS = "\N{MINUS SIGN}"


def claims(population: RunTables) -> list[Section]:
    """The section of the run's report on its study; none where there is no study."""
    findings = read_findings(population.run.folder)
    if not findings:
        return []

    def link(finding: Finding) -> Markup:
        target, words = finding.figure, finding.figure.replace("_", " ")
        return Markup('<a href="{}#figure-{}">{}</a>').format(PAGE, target, words)

    page = Markup('\n<p><a href="{}">The study</a></p>').format(PAGE)
    body = claims_table(findings, link) + page
    return [Section("claims", "What the study found", counted(findings), body=body)]


def counted(findings: Sequence[Finding]) -> str:
    """One sentence that counts the claims by verdict."""
    counts = {verdict: 0 for verdict in VERDICTS}
    for finding in findings:
        counts[finding.verdict] += 1
    parts = ", ".join(f"{verdict}: {n}" for verdict, n in counts.items())
    return f"Claims: {len(findings)}. Of these, {parts}."


def claims_table(findings: Sequence[Finding], link: Callable[[Finding], str]) -> Markup:
    """One row per claim; `link` makes the link that leads to its figure."""
    header = [
        "claim", "verdict", "statistic", "here (95 %)", "smallest of interest", "n", "p"
    ]  # fmt: skip
    rows = [
        [
            _words(finding.says, finding.note),
            _verdict(finding) + Markup("<br>") + link(finding),
            finding.statistic,
            estimate(finding),
            finding.smallest or NIL,
            str(finding.n),
            NIL if finding.p is None else probability(finding.p),
        ]
        for finding in findings
    ]
    return table(header, rows, numeric=[5, 6], css="claims")


def power_table(findings: Sequence[Finding]) -> Markup:
    """How often each claim would get each verdict; "" where nothing is known of it."""
    if not any(finding.power for finding in findings):
        return Markup("")
    header = ["claim", *(f"planted {name}" for name in PLANTED)]
    rows = [[finding.claim, *power_cells(finding)] for finding in findings]
    return table(header, rows, css="power")


def power_cells(finding: Finding) -> list[str]:
    """For each truth, the shares of verdicts: "0.91 / 0.00 / 0.09"."""
    return [
        " / ".join(f"{finding.power[name][verdict]:.2f}" for verdict in VERDICTS)
        if finding.power
        else NIL
        for name in PLANTED
    ]


def estimate(finding: Finding) -> Markup:
    """The value, its interval and its unit."""
    if not isfinite(finding.value):
        return NIL
    known = isfinite(finding.low) and isfinite(finding.high)
    ends = (finding.low, finding.high) if known else ()
    value, *interval = rounded(finding.value, *ends)
    if not known and finding.value == round(finding.value):
        value = f"{finding.value:,.0f}"  # a count
    shown = Markup("<br>[{}]").format(", ".join(interval)) if interval else ""
    return Markup('<b>{}</b>{} <span class="unit">{}</span>').format(
        value, shown, finding.unit
    )


def rounded(*values: float) -> list[str]:
    """Numbers to the same decimals: two, fewer for large ones, more for small ones.

    The largest of them sets the decimals, and shows two figures at least.
    """
    size = max(abs(value) for value in values)
    fewer = int(size >= 10) + int(size >= 100)
    decimals = 1 - floor(log10(size)) if 0 < size < 0.1 else 2 - fewer
    return [f"{value:,.{decimals}f}".replace("-", MINUS) for value in values]


def probability(p: float) -> str:
    """A p-value; never as 0."""
    if not isfinite(p):
        return NIL
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def _words(says: str, note: str) -> Markup:
    below = Markup('<span class="note">{}</span>').format(note) if note else ""
    return escape(says) + below


def _verdict(finding: Finding) -> Markup:
    sign, css = VERDICTS[finding.verdict]
    return Markup('<span class="verdict {}">{} {}</span>').format(
        css, sign, finding.verdict
    )
