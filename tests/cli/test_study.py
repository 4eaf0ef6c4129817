"""popnet study, but for the training: see tests/flow/test_study.py."""

import json
from types import SimpleNamespace

import pytest
from popnet.cli import study as command

from popnet import report
from popnet.runs.findings import Finding
from popnet.studies import STUDIES, conclude
from popnet.studies.conclude import Conclusion


def test_an_unknown_study_or_scale_is_refused(refused, tmp_path):
    out = tmp_path / "runs"
    refused("study", "heterogenity", "--out", out)
    refused("study", "heterogeneity", "--scale", "huge", "--out", out)
    refused("study", "heterogeneity", "--set", "network.unts=3", "--out", out)
    flat = ["--set", "grid={task: [dnms, xor]}", "--set", "after.perturb=[]"]
    assert "nothing is graded" in refused("study", "heterogeneity", *flat, "--out", out)
    assert not out.exists()


def test_without_a_name_all_studies_are_listed(popnet, monkeypatch):
    other = STUDIES["heterogeneity"]._replace(summary="is it so?", scales={"tiny": ""})
    monkeypatch.setitem(STUDIES.own, "other", other)
    told = popnet("study")
    assert told.code == 0
    assert "other: is it so?" in told.out and "--scale tiny" in told.out
    assert "heterogeneity: " in told.out and "--scale quick|paper" in told.out
    listed = json.loads(popnet("study", "--json").out)
    assert [about["name"] for about in listed] == list(STUDIES)
    assert listed[-1]["scales"] == ["tiny"] and listed[-1]["summary"] == "is it so?"


def test_a_study_refuses_in_its_own_words_and_takes_its_first_scale(
    popnet, monkeypatch, tmp_path
):
    known = STUDIES["heterogeneity"]
    seen = []

    def refuse(sweep):
        seen.append(sweep.sweep.name)
        return "it is Sunday"

    other = known._replace(scales=dict(reversed(known.scales.items())), refuse=refuse)
    monkeypatch.setitem(STUDIES.own, "other", other)
    told = popnet("study", "other", "--out", tmp_path / "runs")
    assert told.code == 2
    assert told.err == "popnet: popnet study other: it is Sunday.\n"
    assert seen == ["heterogeneity-paper"]


@pytest.fixture
def concluded(monkeypatch, tmp_path):
    """A study whose launch and claims are made up."""
    row = Finding(
        "learning", "Memory suffers more.", "doublings of trials", 0.41, 0.2, 0.63,
        "doublings", 12, None, "holds", "learning", "By task: dnms 0.50.",
    )  # fmt: skip
    count = row._replace(
        claim="not_monotone", value=3, low=float("nan"), high=float("nan"), p=0.04,
        unit="of 15 metrics", verdict="undecided", note="",
    )  # fmt: skip
    run = SimpleNamespace(folder=tmp_path)
    status = {"converged": 1}
    done = SimpleNamespace(run=run, notes=["a note"], by_status=status)
    page = tmp_path / "study.html"
    found = Conclusion([row, count], page)
    monkeypatch.setattr(command, "launched", lambda *_: done)
    monkeypatch.setattr(conclude, "conclude", lambda *_: found)
    monkeypatch.setattr(report, "write_report", lambda _: page)
    return status


@pytest.mark.usefixtures("concluded")
def test_the_table_says_claim_verdict_and_interval(popnet, tmp_path):
    told = popnet("study", "heterogeneity")
    assert told.code == 0 and "a note" in told.err
    lines = told.out.splitlines()
    assert lines[0].split(maxsplit=1) == ["holds", "Memory suffers more."]
    assert lines[1].strip() == "0.41 (0.2 to 0.63) doublings, n = 12"
    assert "3 of 15 metrics, n = 12, p = 0.04" in told.out
    assert "undecided" in told.out and str(tmp_path / "study.html") in told.out


def test_it_gives_json_and_the_launchs_exit_code(popnet, concluded):
    concluded["diverged"] = 2
    told = popnet("study", "heterogeneity", "--json")
    assert told.code == 1
    assert [row["claim"] for row in json.loads(told.out)] == [
        "learning",
        "not_monotone",
    ]
    assert json.loads(told.out)[1]["low"] is None
