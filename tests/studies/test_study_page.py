"""A study's page and its place in the report, as a browser and a reader take them."""

import html
import re
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.made_up_study import MadeUpStudy, findings

from popnet.report import write as report
from popnet.report import write_report
from popnet.report.claims import MINUS, estimate, probability, rounded
from popnet.runs.findings import Finding, read_findings, write_findings
from popnet.studies import STUDIES
from popnet.studies.conclude import conclude
from popnet.studies.page import write_page

NIL = "\N{EN DASH}"
FIGURES = [
    "degeneracy", "distance_over_time", "dynamics", "error_dynamics", "learning",
    "robustness", "tau_matrix", "transfer",
]  # fmt: skip


STUDY = STUDIES["heterogeneity"]


def write_study(run, found, study=STUDY):
    """The page of a run, whatever was found."""
    return write_page(study, run, study.tables(run), found)


def small(out):
    return MadeUpStudy(out, ["dnms", "xor"], ["drive"], [0.0, 1.0], 3, compared=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    made = small(tmp_path_factory.mktemp("study"))
    write_findings(made.folder, findings())
    write_study(made, findings())
    return made


@pytest.fixture(scope="module")
def text(run):
    return (run.folder / "report/study.html").read_text(encoding="utf-8")


LEADS_TO = ["Figure 1", "Figure 5", "Figure 3", NIL, "Figure 7"]
"""For each finding, the figure that its row of the table of claims links to."""


def rows_of(text):
    """The rows of the table of claims, as the text of their cells."""
    table = text[text.index('class="scroll claims"') :].split("</table>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", table, flags=re.DOTALL)[1:]
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in rows]
    plain = [[re.sub(r"<[^>]+>", " ", c) for c in row] for row in cells]
    return [[html.unescape(" ".join(c.split())) for c in row] for row in plain]


def test_the_page_refers_to_nothing_outside_and_to_every_place_inside(run, text):
    assert not re.search(r"https?:|@import|<script|<link|<iframe|<img", text)
    ids = re.findall(r' id="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    for target in re.findall(r'href="([^"]*)"', text):
        if target.startswith("#"):
            assert target[1:] in ids
        elif target != "index.html" and not target.startswith("data:image/png"):
            assert (run.folder / "report" / target).is_file(), target
    assert {p.stem for p in (run.folder / "report/study").iterdir()} == set(FIGURES)


def test_every_finding_is_a_row_with_its_verdict_in_words(text):
    rows = rows_of(text)
    assert len(rows) == len(findings())
    for row, finding, figure in zip(rows, findings(), LEADS_TO, strict=True):
        assert row[0].startswith(finding.says)
        assert finding.note in row[0]
        assert row[2] == finding.statistic
        assert row[4] == (finding.smallest or NIL)
        assert row[5] == str(finding.n)
        assert row[1][2:] == f"{finding.verdict} {figure}"
    assert rows[0][3] == "0.62 [0.31, 0.94] doublings per level"
    assert rows[1][3] == f"0.11 [{MINUS}0.02, 0.24] accuracy"
    assert rows[3][3] == NIL
    assert [row[6] for row in rows] == ["< 0.001", "0.080", NIL, NIL, "0.034"]
    signs = {
        row[1][0]: finding.verdict
        for row, finding in zip(rows, findings(), strict=True)
    }
    assert len(set(signs.values())) == len(signs) == 3, (
        "a sign for each, beside word and colour"
    )
    assert "holds: 2, does not hold: 1, undecided: 2" in text


def test_the_power_of_each_claim_stands_below_the_claims(text):
    table = text[text.index("<h3>Power</h3>") :].split("</table>")[0]
    known = [finding for finding in findings() if finding.power]
    assert known and "planted null" in table
    for finding in known:
        for truth in finding.power.values():
            assert " / ".join(f"{share:.2f}" for share in truth.values()) in table
    assert table.count(NIL) == 3 * (len(findings()) - len(known))


def test_a_claim_leads_to_its_figure_by_number(text):
    for row, figure in zip(rows_of(text), LEADS_TO, strict=True):
        assert row[1].endswith(f" {figure}")
    assert 'href="#figure-robustness">Figure 5</a>' in text
    captions = re.findall(r"<figcaption><b>Figure (\d+)\.", text)
    assert captions == [str(i) for i in range(1, len(FIGURES) + 1)]


def test_the_lead_counts_networks_and_names_date_and_command(run, text):
    lead = re.search(r'<p class="lead">(.*?)</p>', text, re.DOTALL)
    assert lead is not None
    words = re.sub(r"<[^>]+>", "", lead[1])
    assert words.startswith(f"{len(run.networks)} networks: 2 tasks, 1 configuration,")
    assert "2026-11-23" in words
    assert "popnet study heterogeneity --scale quick" in words


def test_what_is_not_there_is_said_and_the_rest_is_drawn(tmp_path):
    run = small(tmp_path)
    run.comparison_rows = run.comparison_rows.iloc[:0]
    run.evaluation_rows = run.evaluation_rows.iloc[:0]
    run.curve_rows = run.curve_rows.iloc[:0]
    run.dynamics_rows = run.dynamics_rows.iloc[:0]
    text = write_study(run, findings()).read_text(encoding="utf-8")
    kept = {p.stem for p in (run.folder / "report/study").iterdir()}
    assert kept == {"learning", "dynamics"}
    assert text.count("Left out: ") == 6
    assert "weights only" in text
    assert (
        rows_of(text)[1][1] == f"{rows_of(text)[1][1][0]} {findings()[1].verdict} {NIL}"
    ), "its figure was left out"


def test_a_run_without_networks_has_a_page(tmp_path):
    run = small(tmp_path)
    bare = SimpleNamespace(
        folder=run.folder, name=run.name, varied=run.varied, sweep=run.sweep,
        table=lambda: run.networks.iloc[:0], curves=lambda: run.curve_rows,
        evaluations=lambda: run.evaluation_rows, provenance=dict, planned=lambda: 12,
        comparisons=lambda: run.comparison_rows, dynamics=lambda: run.dynamics_rows,
    )  # fmt: skip
    findings, page = conclude(STUDY, bare)
    assert findings == [] == read_findings(run.folder)
    assert "No network was recorded yet." in page.read_text(encoding="utf-8")


def test_the_same_records_give_the_same_bytes_and_no_stale_figure(tmp_path):
    both = {name: STUDY.sections()[name] for name in ("learning", "degeneracy")}
    study = STUDY._replace(sections=lambda: both)
    written = []
    for out in ("once", "again"):
        run = small(tmp_path / out)
        stale = run.folder / "report/study/robustness_9.svg"
        stale.parent.mkdir(parents=True)
        stale.write_text("old")
        text = write_study(run, findings(), study).read_bytes()
        written.append(
            [text, *(p.read_bytes() for p in sorted(stale.parent.iterdir()))]
        )
        assert not stale.exists()
    assert written[0] == written[1]


def test_the_report_shows_the_claims_only_where_there_are_findings(
    make_run, monkeypatch
):
    monkeypatch.setattr(report, "SECTIONS", [report.convergence])
    run = make_run(networks=2)
    index = write_report(run)
    assert "study.html" not in index.read_text(encoding="utf-8")
    write_findings(run.folder, findings())
    kept = run.folder / "report/study/learning.svg"
    kept.parent.mkdir()
    kept.write_text("a figure of the study")
    text = write_report(run).read_text(encoding="utf-8")
    assert kept.exists()
    assert len(rows_of(text)) == len(findings())
    assert 'href="study.html#figure-learning">learning</a>' in text
    assert '<a href="#claims">' in text
    assert text.index('id="claims"') < text.index('id="convergence"')


def test_findings_come_back_as_they_were_written(tmp_path):
    write_findings(tmp_path, findings())
    for found, given in zip(read_findings(tmp_path), findings(), strict=True):
        same = [
            a == b or (isinstance(a, float) and np.isnan(a) and np.isnan(b))
            for a, b in zip(found, given, strict=True)
        ]
        assert all(same)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ((0.5, -0.2, 0.94), ["0.50", f"{MINUS}0.20", "0.94"]),
        ((0.012, -0.002, 0.0301), ["0.012", f"{MINUS}0.002", "0.030"]),
        ((12.34, 9.0, 15.2), ["12.3", "9.0", "15.2"]),
        ((1234.5, 900.4), ["1,234", "900"]),
        ((0.0,), ["0.00"]),
    ],
)
def test_numbers_of_a_row_have_the_same_decimals(values, shown):
    assert rounded(*values) == shown


def test_a_probability_is_never_written_as_none():
    assert probability(0.0) == "< 0.001"
    assert probability(0.0499) == "0.050"
    assert probability(0.4) == "0.40"


def test_a_count_is_a_whole_number_and_has_no_interval():
    nan = float("nan")
    row = Finding(
        "c", "says", "statistic", 3.0, nan, nan, "of 15", 12, None, "holds", "f", ""
    )
    assert estimate(row) == '<b>3</b> <span class="unit">of 15</span>'
    assert "<b>3.00</b><br>[2.00, 4.00]" in estimate(row._replace(low=2.0, high=4.0))
