"""popnet study from nothing to its table, with small networks; and again."""

import json
import subprocess
import sys

import numpy as np
import pytest

from popnet import open_run
from popnet.studies import STUDIES
from popnet.studies.heterogeneity.tables import read

pytestmark = pytest.mark.slow
SMALL = [
    "networks=2", "network.units=12", "train.trials=100", "after.trials=1",
    "after.sample=2",
    "grid.zip=[{task: [dnms, go_nogo]}, {network.tau_s.degree: [0, 2, 4, 0], "
    "train.replicate: [0, 0, 0, 1]}]",
]  # fmt: skip


def study(out):
    command = [sys.executable, "-m", "popnet.cli.main", "study", "heterogeneity"]
    options = [part for value in SMALL for part in ("--set", value)]
    return subprocess.run(
        [*command, "--out", str(out), *options, "--json"],
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("study")
    done = study(out)
    assert done.returncode == 0, done.stderr
    made = open_run(out / "heterogeneity-quick")
    assert json.loads(done.stdout) == json.loads(
        (made.folder / "findings.json").read_text()
    )
    return made


@pytest.mark.flow
def test_every_claim_is_on_the_page_and_in_the_report(run):
    findings = json.loads((run.folder / "findings.json").read_text())
    assert len(findings) == len(STUDIES["heterogeneity"].claims)
    page = (run.folder / "report" / "study.html").read_text()
    assert all(f["says"].split(",")[0] in page for f in findings)
    assert "study.html" in (run.folder / "report" / "index.html").read_text()


def test_again_it_trains_and_tests_nothing_and_finds_the_same(run):
    before = (run.folder / "findings.json").read_text()
    batches = {b.name for b in run.store.batches()}
    assert study(run.out).returncode == 0
    assert {b.name for b in open_run(run.folder).store.batches()} == batches
    assert (run.folder / "findings.json").read_text() == before


def test_the_tables_are_what_was_recorded(run):
    e = read(run)
    # those that were trained again stand in pairs alone
    assert run.planned() == 2 * 4 * 2 and len(e.networks) == 2 * 3 * 2
    assert e.networks.notna().all(axis=0)[["doublings", "area", "accuracy"]].all()
    raw = run.evaluations()
    key = e.networks["key"][3]
    own = raw[(raw["key"] == key) & (raw["kind"] == "task")].set_index("name")
    name = run.table().set_index("key")["task.name"][key]
    worst = max(own.loc[name, "error_by_type"])
    assert e.networks["worst_type"][3] == worst
    jitter = raw[(raw["key"] == key) & (raw["name"] == "synaptic_jitter")]
    rows = e.perturbed[e.perturbed["key"] == key]
    rows = rows[rows["perturbation"] == "synaptic_jitter"]
    np.testing.assert_array_equal(
        rows["drop"], own.loc[name, "accuracy"] - jitter["accuracy"]
    )
    other = e.tested[~e.tested["own"]]
    assert set(other["tested"]) >= {"dnms", "go_nogo", "dnms_long"}
    assert (other["task"] != other["tested"]).all()
    kinds = ["metric", "settings", "untrained", "shuffled"]
    counts = e.pairs.groupby(kinds)["retrained"].agg(["size", "sum"])
    # of each task: a pair at each of 3 levels, and 2 networks trained again at one
    assert len(counts) == 5
    assert (counts["size"] == 2 * (3 + 2)).all() and (counts["sum"] == 2 * 2).all()
    assert (e.pairs["task"] != "").all() and e.pairs["same"].all()
