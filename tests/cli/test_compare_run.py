"""popnet compare and popnet sensitivity on a recorded run."""

import json

import numpy as np
import pytest

from popnet.catalogue import metric_settings
from popnet.report.population import LEARNED
from popnet.runs.fingerprint import fingerprint, record_fingerprint
from popnet.sweep.run_comparison import recorded_errors
from popnet.work import pending
from popnet.work.comparison import compare_networks, prepare_networks


@pytest.fixture
def in_process(monkeypatch):
    """Compare in this process, without Ray; returns the pairs compared, by metric."""
    from popnet.sweep import run_comparison

    done = []

    def compute(run, known, metrics, *_):
        networks = {n.key: n for n in run.networks}
        address = run.store.address
        for settings, keys in pending.preparations(run, known, metrics):
            prepare_networks(address, {k: networks[k] for k in keys}, settings)
        for settings, pairs in pending.comparisons(run, known, metrics):
            done.extend((settings.name, *pair) for pair in pairs)
            compare_networks(address, pairs, networks, settings)

    monkeypatch.setattr(run_comparison, "_compute", compute)
    return done


def rows(popnet, *args):
    done = popnet("compare", *args, "--json")
    assert done.code == 0, done
    return {row["metric"]: row for row in json.loads(done.out)}


def test_the_metrics_of_the_run_get_their_nulls_once(popnet, own_run, in_process):
    before = own_run.comparisons()
    found = rows(popnet, own_run.folder)
    assert set(found) == {"behaviour", "weights(align=false)"}
    # 6 pairs of each null of the weights; those of the launch are there already
    assert [name for name, *_ in in_process] == ["weights"] * 12
    weights = found["weights(align=false)"]
    own = before[before["metric"] == "weights"].set_index(["key_a", "key_b"])["value"]
    facts = own_run.table().set_index("key")
    within, between = [], []
    for (a, b), value in own.items():
        same = facts.at[a, "condition"] == facts.at[b, "condition"]
        if same or facts.at[a, "index"] != facts.at[b, "index"]:
            (within if same else between).append(value)
    assert len(within) == len(between) == 2
    assert weights["within"]["value"] == pytest.approx(np.mean(within), rel=1e-9)
    assert weights["between"]["value"] == pytest.approx(np.mean(between), rel=1e-9)
    assert weights["shuffled"]["value"] == pytest.approx(1.0, abs=0.2)
    assert rows(popnet, own_run.folder) == found and len(in_process) == 12
    page = (own_run.folder / "report" / "compare.html").read_text()
    assert "weights(align=false)" in page and page.count("<figure") == 2


@pytest.mark.usefixtures("in_process")
def test_errors_of_the_linear_models_are_read_from_the_store(popnet, own_run):
    found = rows(popnet, own_run.folder, "--metric", "eigenvalues:delays=2,rank=3")
    (row,) = found.values()
    given = {"name": "eigenvalues", "delays": 2, "rank": 3}
    metric = metric_settings(given, "here")
    recorded = recorded_errors(own_run, [metric])[metric]
    facts = own_run.table().set_index("key")
    assert set(recorded) == set(facts.index)
    assert all(0 < error < 1.5 for error in recorded.values())
    kept = [e for k, e in recorded.items() if facts.at[k, "status"] in LEARNED]
    kept = kept or list(recorded.values())
    assert row["fits"]["heldout_error"] == pytest.approx(np.median(kept))
    assert row["fits"]["n"] == len(kept)
    text = (own_run.folder / "report" / "compare.html").read_text()
    assert f"{np.median(kept):.2g} ({len(kept)} networks)" in text


def test_the_tables_of_the_run_stay_those_of_its_sweep(popnet, own_run, in_process):
    from popnet.report.results import make_results
    from popnet.runs.fingerprint import recorded_fingerprint

    make_results(own_run)
    before = own_run.comparisons()
    made_from = recorded_fingerprint(own_run)
    rows(popnet, own_run.folder, "--metric", "weights:of=change", "--no-nulls")
    assert len(in_process) == 6
    assert own_run.comparisons().equals(before)
    # the page beside them is no reason to make them again
    assert recorded_fingerprint(own_run) == made_from != ""
    assert fingerprint(own_run) != made_from  # the store has more pairs
    record_fingerprint(own_run, made_from)


def test_what_a_run_does_not_keep_is_refused_in_one_line(
    refused, own_run, make_run, tmp_path, in_process
):
    text = refused("compare", own_run.folder, "--metric", "trajectories")
    assert "where after.sample and after.dynamics are given" in text
    planned = make_run(tmp_path / "other", stage="planned")
    assert "no network in its tables yet" in refused("compare", planned.folder)
    assert in_process == []


@pytest.mark.usefixtures("in_process")
def test_one_writer_at_a_time(refused, own_run):
    import fcntl

    with (own_run.folder / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        text = refused("compare", own_run.folder)
    assert "is at work here; wait for it, or stop it." in text


def test_sensitivity_of_a_run(popnet, own_run, in_process):
    given = ("sensitivity", own_run.folder, "--metric", "weights:align=false",
             "--vary", "of=weights,change")  # fmt: skip
    done = popnet(*given, "--json")
    assert done.code == 0, done
    first, second = json.loads(done.out)
    assert first["settings"] == {"of": "weights"} and second["settings"] == {
        "of": "change",
    }  # fmt: skip
    assert set(first["by_condition"]) == {"spread=0", "spread=0.4"}
    assert len(in_process) == 6  # of the changes; the others the launch compared


@pytest.mark.slow
@pytest.mark.flow
def test_the_command_compares_on_ray(process, own_run):
    """The real command: pairs are compared by tasks, and are not compared again."""
    metric = ("--metric", "weights:of=change", "--no-nulls")
    done = process("compare", str(own_run.folder), *metric)
    assert done.returncode == 0, done.stderr
    assert "comparing pairs" in done.stderr
    assert "weights(of=change)" in done.stdout
    assert "report/compare.html" in done.stdout.splitlines()[-1]
    assert (own_run.folder / "report" / "compare.html").is_file()
    again = process("compare", str(own_run.folder), *metric)
    assert again.stdout == done.stdout and "comparing pairs" not in again.stderr
