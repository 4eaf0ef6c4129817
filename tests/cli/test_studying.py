"""popnet study, but for the training: see tests/flow/test_study.py."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest
from popnet.cli import studying

from popnet import report, studies
from popnet.runs.findings import Finding


def test_an_unknown_study_or_scale_is_refused(refused, tmp_path):
    out = tmp_path / "runs"
    refused("study", "heterogenity", "--out", out)
    refused("study", "heterogeneity", "--scale", "huge", "--out", out)
    refused("study", "heterogeneity", "--set", "network.unts=3", "--out", out)
    flat = "grid={task: [dnms, xor]}"
    assert "nothing is graded" in refused(
        "study", "heterogeneity", "--set", flat, "--out", out
    )
    assert not out.exists()


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
    spread = "network.tau_s.spread"
    table = pd.DataFrame({spread: [0.0, 0.5]})
    run = SimpleNamespace(folder=tmp_path, varied=[spread], table=lambda: table)
    status = {"converged": 1}
    done = SimpleNamespace(run=run, notes=["a note"], by_status=status)
    monkeypatch.setattr(studying, "launched", lambda *_: done)
    monkeypatch.setattr(studies, "conclude", lambda *_: [row, count])
    page = tmp_path / "study.html"
    monkeypatch.setattr(report, "write_study", lambda *_, **__: page)
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
    kept = json.loads((tmp_path / "findings.json").read_text())
    assert [row["verdict"] for row in kept] == ["holds", "undecided"]


def test_it_gives_json_and_the_launchs_exit_code(popnet, concluded):
    concluded["diverged"] = 2
    told = popnet("study", "heterogeneity", "--json")
    assert told.code == 1
    assert [row["claim"] for row in json.loads(told.out)] == [
        "learning",
        "not_monotone",
    ]
    assert json.loads(told.out)[1]["low"] is None
