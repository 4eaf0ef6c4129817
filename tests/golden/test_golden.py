"""A run and a store made by an earlier popnet still open, continue and retrain.

``run_of_physics_5.zip`` was made by the commit before the rooms of popnet were rebuilt
(1595ac8): conditions that converged, did not and diverged; perturbations and metrics
with settings, other tasks, measured and kept activity.
"""

import json
import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from popnet.cli.main import app
from typer.testing import CliRunner

from popnet import open_run
from popnet.canonical import label_of
from popnet.catalogue import load_sweep
from popnet.plan import networks
from popnet.runs.provenance import machine

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


def test_it_has_the_keys_that_it_had(unpacked):
    assert [n.key for n in open_run(unpacked).networks] == KEYS


def test_show_and_status_read_it(unpacked):
    shown = popnet("show", unpacked, "--json")
    assert shown.exit_code == 0
    rows = json.loads(shown.stdout)
    assert [row["key"] for row in rows] == KEYS
    fates = ["converged", *["unconverged"] * 3, *["diverged"] * 2]
    assert [row["status"] for row in rows] == fates
    status = json.loads(popnet("status", unpacked, "--json").stdout)
    assert status["recorded"] == 6 and status["missing"] == 0
    assert status["networks_to_test"] == status["pairs_to_compare"] == 0


def test_tables_written_then_are_read_with_names_and_settings_apart(unpacked):
    run, old = open_run(unpacked), tables_of(unpacked)
    assert "settings" not in old["evaluations"]
    for name, read in (
        ("evaluations", run.evaluations()),
        ("dynamics", run.dynamics()),
    ):
        assert not read["name"].str.contains("(", regex=False).any()
        assert len(read) == len(old[name])
    assert set(run.comparisons()["metric"]) == {"behaviour", "trajectories", "weights"}


def test_report_makes_the_tables_of_then_again(run_of_then):
    before = tables_of(run_of_then)
    assert popnet("report", run_of_then).exit_code == 0
    after = tables_of(run_of_then)
    for name, column in (
        ("evaluations", "name"), ("dynamics", "name"), ("comparisons", "metric"),
    ):  # fmt: skip
        new = after[name]
        settings = zip(new[column], new.pop("settings"), strict=True)
        after[name] = new.assign(
            **{column: [label_of(n, s) if n else "" for n, s in settings]}
        )
    # the same task with its defaults was told from the network's own by a word
    told = after["evaluations"]["name"].replace("dnms", "dnms(defaults)")
    own = before["evaluations"]["name"] == "dnms"
    told[own] = before["evaluations"]["name"][own]
    after["evaluations"]["name"] = told
    for name in OLD_TABLES:
        pd.testing.assert_frame_equal(after[name], before[name], obj=name)
    page = (run_of_then / "report" / "index.html").read_text()
    assert all(key in page for key in KEYS)


def test_each_network_trains_again_to_the_same_weights(unpacked):
    made = open_run(unpacked).provenance()["machine"]["instruction_sets"]
    here = machine()["instruction_sets"]
    if made != here:
        pytest.skip(f"made with {made}, this is {here}: other last bits are allowed")
    for key in KEYS:
        done = popnet("retrain", unpacked, key)
        assert done.exit_code == 0 and f"{key}: identical" in done.stdout


@pytest.mark.flow
@pytest.mark.slow
def test_launched_again_there_is_nothing_to_train(run_of_then):
    store = sorted(run_of_then.parent.joinpath("store").rglob("*.safetensors"))
    done = popnet(
        "launch", run_of_then / "sweep.yaml", "--out", run_of_then.parent
    )  # fmt: skip
    assert done.exit_code == 1, "two networks diverged"
    assert "nothing to train" in done.stdout
    after = sorted(run_of_then.parent.joinpath("store").rglob("*.safetensors"))
    assert [f.name for f in after] == [f.name for f in store]


def test_quickstart_asks_for_the_networks_it_always_asked_for():
    plan, _ = load_sweep(HERE.parents[1] / "configs" / "quickstart.yaml")
    golden = json.loads((HERE / "quickstart.json").read_text())
    assert [n.key for n in networks(plan)] == golden["keys"]
