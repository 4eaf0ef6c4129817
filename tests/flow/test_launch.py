"""A sweep from file to report with the real command; killed, continued, grown."""

import json
import sqlite3
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.pace import PATIENCE_S

from popnet import open_run

pytestmark = pytest.mark.slow


def weights(popnet, name="flow"):
    run = open_run(popnet.out / name)
    return {key: run.network(key).final["recurrent"] for key in run.table()["key"]}


def mlflow_networks(popnet, name="flow"):
    with sqlite3.connect(popnet.out / "mlflow.db") as database:
        rows = database.execute(
            "select k.value from tags k join tags t on k.run_uuid = t.run_uuid "
            "join runs r on r.run_uuid = k.run_uuid "
            "join experiments e on e.experiment_id = r.experiment_id "
            "where k.key = 'popnet.key' and t.key = 'popnet.kind' "
            "and t.value = 'network' and r.lifecycle_stage = 'active' and e.name = ?",
            (name,),
        ).fetchall()
    return sorted(row[0] for row in rows)


def assert_same(one, other):
    assert set(one) == set(other)
    for key in one:
        np.testing.assert_array_equal(one[key], other[key])


def test_a_finished_sweep_is_whole(finished):
    run = open_run(finished.out / "flow")
    table = run.table()
    assert len(table) == table["key"].nunique() == run.planned() == 6
    assert (table["status"] == "trained").all() and (table["trials"] == 2500).all()
    curves = run.curves().groupby("key")["trial"]
    assert (curves.max() == 2500).all() and (curves.size() == 125).all()
    evaluations = run.evaluations()
    # own task, quiet, dms, two levels
    assert (evaluations.groupby("key").size() == 5).all()
    assert (run.comparisons().groupby("metric").size() == 15).all()
    level0 = evaluations[evaluations["kind"] == "perturbation"].query("level == 0")
    own = evaluations[(evaluations["kind"] == "task") & (evaluations["name"] == "dnms")]
    pd.testing.assert_series_equal(
        level0.set_index("key")["error"], own.set_index("key")["error"]
    )
    assert mlflow_networks(finished) == sorted(table["key"])
    assert "<html" in (run.folder / "report" / "index.html").read_text()[:200]
    about = json.loads((run.folder / "provenance.json").read_text())
    assert about["versions"]["torch"] and about["machine"]["processor"]
    assert not list((finished.out / "store" / "checkpoints").glob("*"))


def test_paired_networks_start_from_the_same_weights(finished):
    run = open_run(finished.out / "flow")
    for _, pair in run.table().groupby("index"):
        first, second = (run.network(key) for key in pair["key"])
        np.testing.assert_array_equal(
            first.initial["recurrent"], second.initial["recurrent"]
        )
        assert not np.array_equal(first.initial["tau_s"], second.initial["tau_s"])


def test_launched_again_nothing_is_trained(finished):
    began = time.monotonic()
    done = finished.launch()
    # measured: a sixth of the launch that trained
    assert time.monotonic() - began < finished.took_s / 2
    assert "nothing to train" in done.stdout
    assert len(mlflow_networks(finished)) == 6


def test_growing_renaming_and_resharding_train_only_what_is_new(finished):
    def plan(**changes):
        done = finished("plan", finished.write(**changes), "--json")
        return json.loads(done.stdout)

    grid = {"network.tau_s.spread": [0.0, 0.2, 0.4]}
    assert plan(name="grown", grid=grid)["new"] == 3
    assert plan(name="grown", networks=5)["new"] == 4
    assert plan(name="other-name")["new"] == 0
    assert plan(name="sharded", machine={"shard": 1, "workers": 1})["new"] == 0
    assert plan(name="seeded", seed=4)["new"] == 6
    grown = finished.launch(name="grown", grid=grid, machine={"shard": 1})
    assert "3 trained now" in grown.stdout
    old, new = weights(finished), weights(finished, "grown")
    assert len(new) == 9 and set(old) < set(new)
    assert_same(old, {key: new[key] for key in old})


def test_one_network_retrained_alone_is_identical(finished):
    run = open_run(finished.out / "flow")
    key = run.table()["key"].iloc[4]
    done = finished("retrain", run.folder, key[:8])
    assert "identical" in done.stdout


def test_killing_the_driver_and_launching_again_changes_nothing(finished, popnet):
    process = popnet.start()
    popnet.wait_for_training(process)
    popnet.kill_driver(process)
    recorded = open_run(popnet.out / "flow").store.recorded()
    assert len(recorded) < 6, "it was not killed in mid-training"
    popnet.launch()
    assert_same(weights(finished), weights(popnet))
    table = open_run(popnet.out / "flow").table()
    assert table["key"].is_unique and len(table) == 6
    assert mlflow_networks(popnet) == sorted(table["key"])


PACK = pytest.param("ResourceTrainable", marks=pytest.mark.nightly)  # Tune's name


@pytest.mark.parametrize("title", ["Shard", PACK])
def test_killing_an_actor_changes_nothing_and_is_said(finished, popnet, title):
    process = popnet.start()
    popnet.wait_for_training(process)
    victims = popnet.workers(process, title)
    assert victims, f"no {title} found"
    victims[0].kill()
    stdout, stderr = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, stdout + stderr
    assert "1 time a process or machine was lost" in stderr
    assert_same(weights(finished), weights(popnet))
    batches = open_run(popnet.out / "flow").store.batches("networks")
    recorded = [key for batch in batches for key in batch.keys]
    assert len(recorded) == len(set(recorded)) == 6, "something was trained twice"
    assert len(mlflow_networks(popnet)) == 6


def test_a_launch_here_joins_no_cluster_that_happens_to_be_about(popnet, monkeypatch):
    """Ray joins one by itself, of its environment or of a file that a dead one left."""
    monkeypatch.setenv("RAY_ADDRESS", "192.0.2.2:6379")  # RFC 5737: nobody is there
    with tempfile.TemporaryDirectory(prefix="ray") as folder:  # short: sockets' paths
        (Path(folder) / "ray").mkdir()
        (Path(folder) / "ray" / "ray_current_cluster").write_text("192.0.2.2:6379")
        monkeypatch.setenv("RAY_TMPDIR", folder)
        done = popnet.launch(
            train={"trials": 20, "until": None}, after={"trials": 2}, grid=None
        )
        assert "all 3 networks done" in done.stdout
        assert list((Path(folder) / "ray").glob("session_2*")), "Ray stood elsewhere"


def test_damaged_weights_are_found_said_and_made_again(popnet):
    small = {
        "train": {"trials": 200, "until": None},
        "grid": {"rule.learning_rate": [0.1]},
    }
    popnet.launch(**small)
    before = weights(popnet)
    path = next((popnet.out / "store" / "weights").glob("*.safetensors"))
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(bytes(data))
    done = popnet.launch(**small)
    assert "damaged" in done.stderr
    assert_same(before, weights(popnet))


def test_a_wrong_file_leaves_nothing_behind(popnet):
    done = popnet("launch", popnet.write(task={"name": "dnmss"}), code=2)
    assert "Did you mean 'dnms'" in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2 and not done.stdout
    assert not popnet.out.exists()


def test_two_launches_of_one_sweep_do_not_meet(popnet):
    process = popnet.start()
    popnet.wait_for_training(process)
    done = popnet("launch", popnet.write(), code=2)
    assert "is at work here; wait for it, or stop it" in done.stderr
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0


def test_show_status_and_export(finished, tmp_path):
    folder = finished.out / "flow"
    state = json.loads(finished("status", folder, "--json").stdout)
    assert state["networks"] == state["recorded"] == 6 and state["missing"] == 0
    rows = json.loads(
        finished(
            "show", folder, "--where", "network.tau_s.spread==0.4", "--json"
        ).stdout
    )
    assert len(rows) == 3
    by = finished("show", folder, "--by", "network.tau_s.spread", "--csv").stdout
    assert by.splitlines()[1].startswith("0.0,3,")
    key = rows[0]["key"]
    path = tmp_path / "network.npz"
    finished("export", folder, key, "--to", "npz", "--file", path)
    with np.load(path) as exported:
        expected = open_run(folder).network(key).final["recurrent"]
        np.testing.assert_array_equal(exported["final.recurrent"], expected)


def test_every_setting_is_a_column(finished):
    columns = set(open_run(finished.out / "flow").table().columns)
    assert {"network.tau_s.spread", "rule.learning_rate", "train.trials"} <= columns
    assert "network.dt_s" in columns and "task.delay_s" in columns
