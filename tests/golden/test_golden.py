"""A run and a store of an earlier physics stay readable, and are not continued.

``run_of_physics_5.zip`` was made by the commit before the rooms of popnet were rebuilt
(1595ac8): conditions that converged, did not and diverged; perturbations and metrics
with settings, other tasks, measured and kept activity.
"""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from popnet.cli.main import app
from popnet.cli.making import EXAMPLE
from typer.testing import CliRunner

from popnet import open_run
from popnet.canonical import label_of
from popnet.catalogue import load_sweep
from popnet.config import ConfigError
from popnet.plan import networks
from popnet.runs.columns import EMPTY
from popnet.store import Store

HERE = Path(__file__).parent
KEYS = [
    "fbdee6cde018f521092b", "0ed224695e2d79b1151e", "e2172fd8c228b7b2a7c1",
    "042c84e6e8d47f9dc048", "e10b4ab0434e5c3b3eba", "ae2dc917807f08f64508",
]  # fmt: skip
OLD_TABLES = ("networks", "curves", "evaluations", "dynamics", "comparisons")


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory):
    """The run of then, not to be changed."""
    out = tmp_path_factory.mktemp("golden") / "runs"
    with zipfile.ZipFile(HERE / "run_of_physics_5.zip") as archive:
        archive.extractall(out)
    return out / "golden"


@pytest.fixture
def run_of_then(unpacked, tmp_path):
    """A copy of it that a command may change."""
    shutil.copytree(unpacked.parent, tmp_path / "runs")
    return tmp_path / "runs" / "golden"


def popnet(*args):
    done = CliRunner().invoke(app, [str(a) for a in args])
    assert done.exception is None or isinstance(done.exception, SystemExit), done
    return done


def tables_of(folder):
    """The tables as files, whatever wrote them."""
    return {name: pd.read_parquet(folder / f"{name}.parquet") for name in OLD_TABLES}


def refused(*args):
    """One line, exit code 2, and what to do."""
    done = popnet(*args)
    assert done.exit_code == 2 and done.stdout == "", (done.stdout, done.stderr)
    assert done.stderr.count("\n") == 1 and "physics 5" in done.stderr
    assert "give another --out" in done.stderr and "sign of the output" in done.stderr
    return done.stderr


def files_of(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_show_and_status_read_it(unpacked):
    shown = popnet("show", unpacked, "--json")
    assert shown.exit_code == 0 and "physics 5" in shown.stderr
    rows = json.loads(shown.stdout)
    assert [row["key"] for row in rows] == KEYS
    fates = ["converged", *["unconverged"] * 3, *["diverged"] * 2]
    assert [row["status"] for row in rows] == fates
    assert {"rule.learning_rate", "rule.max_update"} <= set(rows[0]), "what was varied"
    old = ["rule.skip_steps", "rule.exploration.quiet_steps", "network.tau_s.spread"]
    columns = ("--columns", ",".join(old), "--json")
    rows = json.loads(popnet("show", unpacked, *columns).stdout)
    assert rows == [dict(zip(old, (3, 4, 0.0), strict=True))] * 6, "as they were named"
    assert popnet("show", unpacked, "--by", "rule.learning_rate").exit_code == 0
    status = json.loads(popnet("status", unpacked, "--json").stdout)
    assert status["recorded"] == 6 and status["missing"] == 0
    assert (status["converged"], status["diverged"]) == (1, 2)


def test_export_gives_the_weights_and_the_settings_of_then(unpacked, tmp_path):
    for key in KEYS:
        file = tmp_path / f"{key}.npz"
        assert popnet("export", unpacked, key[:6], "--file", file).exit_code == 0
        arrays = np.load(file)
        settings = json.loads(str(arrays["settings"]))
        assert settings["rule"]["exploration"]["quiet_steps"] == 4
        assert settings["network"]["clamped"] == {"1": 1.0, "10": 1.0, "11": -1.0}
        assert settings["network"]["tau_s"]["high"] is None
        assert arrays["final.recurrent"].shape == (12, 12)
        stored = Store(unpacked.parent / "store").tensors(key)
        for name, array in stored.items():
            assert np.array_equal(arrays[name], array, equal_nan=True)
    done = popnet("export", unpacked, "zz")
    assert done.exit_code == 2 and "no network's key begins" in done.stderr


def test_labels_of_then_are_read_as_names_and_settings(unpacked):
    run, old = open_run(unpacked), tables_of(unpacked)
    assert "settings" not in old["evaluations"]
    for name, column in (
        ("evaluations", "name"), ("dynamics", "name"), ("comparisons", "metric"),
    ):  # fmt: skip
        read = getattr(run, name)()
        labels = zip(read[column], read["settings"], strict=True)
        assert [label_of(*entry) for entry in labels] == list(old[name][column])
        assert set(EMPTY[name]) <= set(read.columns)
    found = run.evaluations()
    jitter = found[found["name"] == "synaptic_jitter"]["settings"]
    assert set(jitter) == {"{}", '{"mode": "absolute"}'}


def test_report_shows_the_tables_of_then_and_leaves_them(run_of_then):
    before = files_of(run_of_then.parent)
    assert popnet("report", run_of_then).exit_code == 0
    page = (run_of_then / "report" / "index.html").read_text()
    assert all(key in page for key in KEYS) and "quiet_steps" in page
    after = files_of(run_of_then.parent)
    assert {p: after[p] for p in before if p in after} == before


def test_its_networks_are_not_trained_again(unpacked, run_of_then, tmp_path):
    before = files_of(run_of_then.parent)
    for command in ("retrain", "sync"):
        assert "show, export and report" in refused(
            command, run_of_then, *([KEYS[0]] if command == "retrain" else [])
        )
    for name in ("golden", "another"):
        sweep = tmp_path / "sweep.yaml"
        sweep.write_text(EXAMPLE.format(name=name))
        for command in ("launch", "plan"):
            refused(command, sweep, "--out", run_of_then.parent)
            store = "--storage", unpacked.parent / "store"
            refused(command, sweep, "--out", tmp_path / "new", *store)
    assert files_of(run_of_then.parent) == before
    assert not (tmp_path / "new").exists()
    run = open_run(unpacked)
    for ask in (lambda: run.plan, lambda: run.networks, lambda: run.module(KEYS[0])):
        with pytest.raises(ConfigError, match="physics 5"):
            ask()


def test_its_reading_does_not_ask_todays_schema(unpacked, monkeypatch):
    def expand(*_):
        raise ConfigError("a setting has another name by now")

    monkeypatch.setattr("popnet.runs.run.expand", expand)
    assert popnet("show", unpacked).exit_code == 0
    assert open_run(unpacked).exported(KEYS[0]).settings["task"]["name"] == "dnms"


def test_quickstart_asks_for_the_networks_it_always_asked_for():
    plan, _ = load_sweep(HERE.parents[1] / "configs" / "quickstart.yaml")
    golden = json.loads((HERE / "quickstart.json").read_text())
    assert [n.key for n in networks(plan)] == golden["keys"]
