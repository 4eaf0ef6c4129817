"""The frame runs any study: here one of a line of tables, two claims and a figure."""

import re

import numpy as np
import pytest
from helpers.made_up_study import MadeUpStudy
from matplotlib.figure import Figure
from PIL import Image

from popnet.analysis.inference import Effect
from popnet.report.claims import VERDICTS
from popnet.report.sections import Drawing, Section
from popnet.runs.findings import PLANTED, read_findings
from popnet.studies import STUDIES, Claim, Judgement, Study
from popnet.studies.conclude import conclude
from popnet.studies.evidence import above, within
from popnet.studies.readme import WIDTH, write_readme
from popnet.testing.studies import STUDY_CHECKS, check_study


def counted(tables, smallest):
    part = above(tables["networks"] + np.arange(6.0), smallest)
    effect = Effect(float(tables["networks"]), 1.0, 9.0, 3)
    return Judgement(effect, "networks", part, "a note")


def undecided(tables, smallest):
    nan = float("nan")
    effect = Effect(float(tables["tasks"]), nan, nan, 3)
    return Judgement(effect, "tasks", within([], smallest))


def curve(tables):
    figures = [Figure(figsize=(8, 4)), Figure(figsize=(8, 4))]
    for figure in figures:
        figure.subplots().plot([0, tables["networks"]])
    drawings = [
        Drawing(name, figure, "A curve.", "Caption.")
        for name, figure in zip(["curve", "curve_2"], figures, strict=True)
    ]
    return Section("curve", "Curve", drawings=drawings)


@pytest.fixture
def study(tmp_path):
    sweep = tmp_path / "tiny.yaml"
    sweep.write_text(
        "name: made-up-tiny\nseed: 1\nnetworks: 1\n"
        "task: dnms\nrule: bptt\ntrain: {trials: 10}\n"
    )
    return Study(
        reference="Nobody 2026",
        summary="is it so?",
        scales={"tiny": sweep},
        refuse=lambda _: None,
        tables=lambda run: {"networks": len(run.table()), "tasks": 2},
        claims=(
            Claim(
                "many",
                "There are many.",
                "their number",
                "curve",
                2.0,
                "networks",
                counted,
            ),
            Claim(
                "few",
                "There are few.",
                "their number",
                "curve",
                1.0,
                "tasks",
                undecided,
            ),
        ),
        sections=lambda: {"curve": curve},
        lead=lambda tables: f"All {tables['networks']} of `them`.",
    )


@pytest.fixture
def run(tmp_path):
    return MadeUpStudy(tmp_path, ["dnms", "xor"], ["drive"], [0.0, 1.0], 3, compared=2)


def test_its_tables_are_read_once_for_claims_page_and_lead(study, run):
    times = []

    def tables(run):
        times.append(run)
        return study.tables(run)

    findings, page = conclude(study._replace(tables=tables), run)
    assert times == [run]
    assert [f.claim for f in findings] == ["many", "few"]
    (p, no) = (findings[0].p, findings[1].p)
    alone = float(above(12 + np.arange(6.0), 2.0).shown().true)
    assert (p, no) == (pytest.approx(2 * alone), 1)  # of two claims
    measured = f"12 (1 to 9) networks, n = 3, p = {2 * alone:.2g}"
    assert findings[0].measured == measured
    assert findings[0].smallest == "2 networks"
    assert findings[0].power["true"]["does not hold"] == 0
    assert findings[1].power is None
    assert (findings[0].says, findings[0].note) == ("There are many.", "a note")
    assert read_findings(run.folder)[0] == findings[0]
    assert str(read_findings(run.folder)[1]) == str(findings[1])
    text = page.read_text(encoding="utf-8")
    assert "All 12 of <code>them</code>." in text
    assert 'href="#figure-curve">Figure 1</a>' in text
    assert re.findall(r"<b>(Figure \d\. A curve\.)</b>", text) == [
        "Figure 1. A curve.",
        "Figure 2. A curve.",
    ]
    drawn = {path.name for path in (run.folder / "report/study").iterdir()}
    assert drawn == {"curve.svg", "curve.png", "curve_2.svg", "curve_2.png"}


def test_its_readme_has_the_claims_and_the_figures_small(study, run, tmp_path):
    conclude(study, run)
    folder = tmp_path / "folder"
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "old.png").write_bytes(b"of an earlier run")
    page = write_readme("made-up", study, "tiny", run, 125.0, folder)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# made-up: is it so?\n")
    assert "Nobody 2026, done again: `popnet study made-up --scale tiny`" in text
    assert "12 networks (" in text and "2 min on " in text
    assert "Of 2 statements 1 hold here, 0 do not, 1 are undecided" in text
    assert "[tiny.yaml](tiny.yaml)" in text
    finding, _ = read_findings(run.folder)
    row = f"| There are many. | **{finding.measured}** — their number. a note |"
    assert f"{row} 2 networks | **holds** |" in text
    shares = [
        " / ".join(f"{finding.power[truth][verdict]:.2f}" for verdict in VERDICTS)
        for truth in PLANTED
    ]
    assert f"| many | {' | '.join(shares)} |" in text
    assert "| claim | planted true | planted false | planted null |" in text
    assert text.count("\n| few | ") == 1
    links = re.findall(r"!\[([^]]*)\]\(([^)]*)\)", text)
    assert links == [
        ("curve", "figures/curve.png"),
        ("curve 2", "figures/curve_2.png"),
    ]
    assert {p.name for p in (folder / "figures").iterdir()} == {
        "curve.png",
        "curve_2.png",
    }
    with Image.open(folder / "figures" / "curve.png") as image:
        assert image.width == WIDTH and image.mode == "P"


def renamed(study):
    """The same study, the sweep of its only scale under another name."""
    (path,) = study.scales.values()
    path.write_text(path.read_text().replace("name: made-up-tiny", "name: tiny"))
    return study


def first(study, **change):
    """The same study, its first claim changed."""
    claim, *others = study.claims
    return study._replace(claims=(claim._replace(**change), *others))


BROKEN = {
    "it has no reference": lambda s: s._replace(reference=" "),
    "its summary has several lines": lambda s: s._replace(summary="is it\nso?"),
    "it has no scale": lambda s: s._replace(scales={}),
    "the sweep of tiny is named 'tiny'": renamed,
    "it refuses its own sweep of tiny: no": lambda s: s._replace(refuse=lambda _: "no"),
    "it has no claim": lambda s: s._replace(claims=()),
    "several claims are named few": lambda s: first(s, name="few"),
    "the claim many says nothing": lambda s: first(s, says=""),
    "the claim many has no statistic": lambda s: first(s, statistic=""),
    "the claim many has the smallest effect 0, which is not above 0": lambda s: first(
        s, smallest=0
    ),
    "the smallest effect of many has no unit": lambda s: first(s, unit=" "),
    "the claim many is shown by 'nowhere'": lambda s: first(s, figure="nowhere"),
    "the section 'A b' is not named in a-z": lambda s: s._replace(
        sections=lambda: {"curve": curve, "A b": curve}
    ),
}


@pytest.mark.parametrize("says", BROKEN)
def test_the_contract_says_what_is_wrong_with_a_study(study, monkeypatch, says):
    monkeypatch.setitem(STUDIES.own, "made-up", study)
    check_study("made-up")
    monkeypatch.setitem(STUDIES.own, "made-up", BROKEN[says](study))
    with pytest.raises(AssertionError, match=re.escape(says)) as failed:
        check_study("made-up")
    assert f"fails 1 of {len(STUDY_CHECKS)} checks" in str(failed.value)
