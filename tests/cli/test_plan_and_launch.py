"""popnet plan and popnet launch, but for Ray; wrong files leave nothing behind."""

import errno
import json
import os
from pathlib import Path

import pytest
import yaml

from popnet import tracking
from popnet.config import dump
from popnet.plan import memory_of
from popnet.runs import open_run
from popnet.work import pending
from popnet.work.shard import Shard

BAD = Path(__file__).parents[1] / "config" / "bad"
FILES = sorted(BAD.rglob("*.yaml"))
KEYS = [
    "name", "conditions", "networks", "done", "new", "packs", "bytes_per_network",
    "bytes_per_step",
]  # fmt: skip


@pytest.fixture
def write(tiny, tmp_path):
    """A tiny sweep file."""

    def make(**changes):
        path = tmp_path / "sweep.yaml"
        path.write_text(dump(*tiny(**changes)))
        return path

    return make


@pytest.fixture
def without_ray(monkeypatch, working):
    """Networks train in this process; MLflow and the report are not made."""

    def work(run, todo, _, __, reporter):
        assert addresses == [None] * len(addresses)
        for pack in todo:
            worker = Shard(str(run.store.folder), "cpu", 3600)
            report = worker.work(3600, pack.networks)
            reporter.count(report._asdict())
        reporter.statuses = pending.statuses(run)

    addresses = working(work)
    monkeypatch.setattr(tracking, "sync", lambda *_: None)
    monkeypatch.setattr("popnet.report.write_report", lambda _: None)


# --- wrong files ---------------------------------------------------------------------


@pytest.mark.parametrize("command", ["launch", "plan"])
@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_wrong_file_is_one_line_and_leaves_nothing(refused, tmp_path, command, path):
    out = tmp_path / "X"
    text = refused(command, path, "--out", out)
    assert text.startswith(f"popnet: {path}") and not out.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["launch", "plan"])
def test_a_wrong_override_is_named(refused, tmp_path, write, command):
    out = tmp_path / "X"
    text = refused(command, write(), "--out", out, "--set", "network.unit=3")
    assert "network.unit=3" in text and "Did you mean 'units'" in text
    text = refused(command, write(), "--out", out, "--set", "seed")
    assert "seed" in text
    assert not out.exists()


@pytest.mark.parametrize(
    ("option", "value"), [("--device", "gpu"), ("--device", ""), ("--workers", "0")]
)
def test_no_option_is_accepted_and_ignored(refused, tmp_path, write, option, value):
    text = refused("launch", write(), "--out", tmp_path / "X", option, value)
    assert option.strip("-").rstrip("s") in text and not (tmp_path / "X").exists()


@pytest.mark.usefixtures("without_ray")
def test_a_folder_of_runs_that_is_a_file_is_named(refused, tmp_path, write):
    out = tmp_path / "file"
    out.write_text("mine")
    assert f"{out}" in refused("launch", write(), "--out", out)
    assert out.read_text() == "mine"


# --- plan ----------------------------------------------------------------------------


def test_plan_as_data_has_exactly_these_keys(popnet, tiny, tmp_path, write):
    path = write(grid={"network.units": [12, 14], "rule.learning_rate": [0.1, 0.2]})
    done = popnet("plan", path, "--out", tmp_path / "none", "--json")
    assert done.code == 0 and done.err == ""
    found = json.loads(done.out)
    assert list(found) == KEYS
    plan, _ = tiny(grid={"network.units": [14]})
    each, step = memory_of(plan.conditions[0].config)
    assert found == {
        "name": "tiny", "conditions": 4, "networks": 8, "done": 0, "new": 8,
        "packs": 2, "bytes_per_network": each, "bytes_per_step": step,
    }  # fmt: skip
    assert not (tmp_path / "none").exists()


def test_plan_says_aloud_that_rates_under_dale_s_law_can_be_negative(
    popnet, tmp_path, write
):
    path = write(**{"grid": {"network.dale": [None, {"excitatory": 0.8}]}})
    begin = "network.dale in 1 of 2 conditions: the weights keep their signs, but"
    done = popnet("plan", path, "--out", tmp_path / "none")
    assert done.code == 0
    assert done.out.splitlines()[-1].startswith(f"note: {begin}")
    (note,) = json.loads(popnet("plan", path, "--json").out)["notes"]
    assert note.startswith(begin) and "one_plus_tanh" in note


def test_plan_in_words(popnet, tmp_path, write):
    done = popnet("plan", write(), "--out", tmp_path / "none")
    assert done.code == 0 and done.err == ""
    lines = done.out.splitlines()
    assert [line[:18].strip() for line in lines[:8]] == [
        key.replace("_", " ") for key in KEYS
    ]
    assert lines[0].endswith(" tiny") and lines[2].endswith(" 4")
    assert lines[6].endswith(" MiB") and lines[7].endswith(" MiB")
    assert lines[8:] == ["  spread=0", "  spread=0.4"]


def test_a_long_plan_is_cut(popnet, tmp_path, write):
    spreads = [round(0.01 * i, 2) for i in range(23)]
    path = write(grid={"network.tau_s.spread": spreads})
    lines = popnet("plan", path, "--out", tmp_path).out.splitlines()
    assert len(lines) == 8 + 21 and lines[-1] == "  ... and 3 more"


def test_one_condition_is_called_so(popnet, tmp_path, write):
    lines = popnet("plan", write(grid=None), "--out", tmp_path).out.splitlines()
    assert lines[8:] == ["  one condition"]


def test_plan_counts_what_is_done_whatever_its_name(popnet, tiny_run, write):
    path = write(networks=3, name="grown")
    found = json.loads(popnet("plan", path, "--out", tiny_run.out, "--json").out)
    assert (found["networks"], found["done"], found["new"]) == (6, 4, 2)
    assert not (tiny_run.out / "grown").exists()
    changes = ["--set", "seed=4", "--set", "networks=1"]
    found = json.loads(
        popnet("plan", path, "--out", tiny_run.out, *changes, "--json").out
    )
    assert (found["networks"], found["new"]) == (2, 2)


# --- launch --------------------------------------------------------------------------


@pytest.mark.usefixtures("without_ray")
def test_launch_gives_data_on_stdout_and_progress_on_stderr(popnet, tmp_path, write):
    out = tmp_path / "runs"
    done = popnet("launch", write(), "--out", out)
    assert done.code == 0
    assert done.out.splitlines() == [
        "tiny: all 4 networks done (4 trained); 4 trained now.",
        f"report    {out / 'tiny' / 'report' / 'index.html'}",
        f"tables    {out / 'tiny'}/*.parquet   (popnet show {out / 'tiny'})",
        f"MLflow    popnet ui {out / 'tiny'}",
    ]
    assert done.err.splitlines()[-1] == "tiny: done" and "4/4 networks" in done.err
    assert len(open_run(out / "tiny").table()) == 4
    again = popnet("launch", write(), "--out", out)
    assert again.code == 0 and "nothing to train" in again.out


@pytest.mark.usefixtures("without_ray")
def test_diverged_networks_are_exit_1_and_named(popnet, tmp_path, write):
    path = write(
        rule={"name": "bptt", "batch_trials": 4},
        network={"units": 8, "dt_s": 0.02, "tau_s": 0.06},
        grid={"rule.learning_rate": [1e-3, 3e38]},
    )
    done = popnet("launch", path, "--out", tmp_path / "runs")
    assert done.code == 1
    assert "(2 diverged, 2 trained)" in done.out
    table = open_run(tmp_path / "runs" / "tiny").table()
    wild = table.loc[table["status"] == "diverged", "key"]
    assert f"2 networks diverged: {', '.join(wild)}" in done.err
    again = popnet("launch", path, "--out", tmp_path / "runs")
    assert again.code == 1  # still so


@pytest.mark.usefixtures("without_ray")
def test_ctrl_c_is_exit_3_and_says_how_to_go_on(
    popnet, tmp_path, write, monkeypatch, working
):
    def work(*_):
        raise KeyboardInterrupt

    path = write()
    with monkeypatch.context() as patched:
        working(work, patched)
        patched.setattr("sys.argv", ["/x/popnet", "launch", "a b.yaml", "--out", "r"])
        done = popnet("launch", path, "--out", tmp_path / "runs")
    assert done.code == 3 and done.out == ""
    assert done.err.endswith("Continue with: popnet launch 'a b.yaml' --out r\n")
    assert popnet("launch", path, "--out", tmp_path / "runs").code == 0


def test_a_full_disk_is_exit_3_and_says_what_to_do(popnet, tmp_path, write, working):
    def work(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    working(work)
    done = popnet("launch", write(), "--out", tmp_path / "runs")
    assert done.code == 3 and done.out == ""
    assert "disk is full" in done.err and "continues" in done.err


@pytest.mark.usefixtures("without_ray")
def test_what_the_user_should_know_is_said(popnet, tmp_path, write, monkeypatch):
    def away(*_):
        raise tracking.TrackingError("MLflow is away")

    monkeypatch.setattr(tracking, "sync", away)
    done = popnet("launch", write(), "--out", tmp_path / "runs")
    assert done.code == 0 and "note: MLflow is away\n" in done.err
    next((tmp_path / "runs" / "store" / "weights").iterdir()).unlink()
    done = popnet("launch", write(), "--out", tmp_path / "runs")
    assert "note: weights/" in done.err and "is missing" in done.err
    assert done.code == 0 and "4 trained now" in done.out


@pytest.mark.usefixtures("without_ray")
def test_overrides_reach_the_run(popnet, tmp_path, write):
    more = ["--set", "networks=1", "--workers", "3", "--device", "cpu"]
    assert popnet("launch", write(), "--out", tmp_path / "runs", *more).code == 0
    sweep = open_run(tmp_path / "runs" / "tiny").sweep
    assert (sweep.networks, sweep.machine.workers) == (1, 3)
    assert sweep.machine.device == "cpu"
    text = (tmp_path / "runs" / "tiny" / "sweep.yaml").read_text()
    assert yaml.safe_load(text)["networks"] == 1
