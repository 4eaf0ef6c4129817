"""The real MLflow server killed in mid-launch, or away from the start: nothing hangs
on it, and in the end it has every network once."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import numpy as np
import psutil
import pytest
from helpers.pace import PATIENCE_S, wait_until
from mlflow import MlflowClient

from popnet import open_run
from popnet.store import Store
from popnet.tracking import client as tracking_client

pytestmark = pytest.mark.slow

# some seconds of training, so that a recorder can die and come back meanwhile
LONG = {
    "networks": 12,
    "train": {"trials": 3000, "until": None},
    "machine": {"checkpoint_s": 5, "workers": 2, "shard": 2},
    "after": {"trials": 1, "perturb": [], "other_tasks": [], "compare": []},
}
TABLES = ("networks", "curves", "evaluations", "dynamics", "comparisons")


class Server:
    """``mlflow server`` on a store of its own; killed and started again at one port."""

    def __init__(self, folder):
        self.folder, self.process = folder, None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"

    def start(self, wait=True):
        command = [
            sys.executable, "-m", "mlflow", "server", "--workers", "1",
            "--backend-store-uri", f"sqlite:///{self.folder}/server.db",
            "--artifacts-destination", str(self.folder / "artifacts"),
            "--host", "127.0.0.1", "--port", str(self.port),
        ]  # fmt: skip
        extra = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        extra |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(
            command, env={**os.environ, **extra}, stdout=quiet, stderr=quiet
        )
        if wait:
            wait_until(self.answers, "the server's answer")

    def answers(self):
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def kill(self):
        """SIGKILL, its workers too."""
        if self.process is not None:
            family = psutil.Process(self.process.pid).children(recursive=True)
            for process in [*family, self.process]:
                process.kill()
            psutil.wait_procs(family, timeout=10)
            self.process.wait()
            self.process = None

    def networks(self):
        """Keys of the networks it has, and how many of them are whole."""
        client = MlflowClient(tracking_uri=self.uri)
        experiment = client.get_experiment_by_name("flow")
        if experiment is None:
            return [], 0
        wanted = "tags.`popnet.kind` = 'network'"
        found = client.search_runs([experiment.experiment_id], wanted)
        keys = sorted(run.data.tags["popnet.key"] for run in found)
        return keys, sum("popnet.complete" in run.data.tags for run in found)


@pytest.fixture
def server(tmp_path):
    made = Server(tmp_path)
    yield made
    made.kill()


def results(popnet):
    """All that a launch gives but for times: weights bit for bit, and tables."""
    run = open_run(popnet.out / "flow")
    weights = {key: run.network(key).final for key in run.table()["key"]}
    times = ["recorded_at", "weights_file"]
    tables = {
        name: run._read(name).drop(columns=times, errors="ignore") for name in TABLES
    }
    return weights, tables


def assert_same_results(one, other):
    weights, tables = results(one)
    others, their_tables = results(other)
    assert set(weights) == set(others)
    for key, arrays in weights.items():
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, others[key][name])
    for name, table in tables.items():
        assert table.equals(their_tables[name]), name


@pytest.fixture(scope="module")
def undisturbed(popnet_in, tmp_path_factory):
    """The same sweep with the embedded store."""
    command = popnet_in(tmp_path_factory.mktemp("undisturbed"))
    command.launch(**LONG)
    return command


def test_a_server_killed_in_mid_launch_has_everything_once(server, undisturbed, popnet):
    server.start()
    process = popnet.start("--tracking-uri", server.uri, **LONG)
    store = Store(popnet.out / "store")

    def recorded():
        assert process.poll() is None, process.communicate()
        return len(store.recorded())

    wait_until(lambda: recorded() >= 2, "two networks")
    actors = popnet.workers(process)
    for actor in actors:  # however slow MLflow is here, there is more to train
        actor.suspend()
    before = recorded()
    assert actors and before < 20, "it was too fast"
    wait_until(lambda: recorded() and server.networks()[1] >= 2, "two in MLflow")
    server.kill()
    for actor in actors:
        actor.resume()
    # training does not wait for the server
    wait_until(lambda: recorded() > before, "more networks")
    server.start(wait=False)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, out + err
    assert "behind" in err
    table = open_run(popnet.out / "flow").table()
    if "could not be filled" in err:  # the launch was over first
        popnet("sync", popnet.out / "flow", "--tracking-uri", server.uri)
    assert server.networks() == (sorted(table["key"]), 24)
    assert_same_results(undisturbed, popnet)


def test_a_server_away_from_the_start_is_filled_by_the_next_launch(
    server, undisturbed, popnet
):
    path = popnet.write(**LONG)
    done = popnet("launch", path, "--tracking-uri", server.uri)
    assert done.stderr.count("note: MLflow at") == 1
    assert "nothing answers there" in done.stderr and "popnet sync" in done.stderr
    assert_same_results(undisturbed, popnet)
    server.start()
    again = popnet("launch", path, "--tracking-uri", server.uri)
    assert "nothing to train" in again.stdout and "note:" not in again.stderr
    assert "writing tables" not in again.stderr
    table = open_run(popnet.out / "flow").table()
    assert server.networks() == (sorted(table["key"]), 24)


@pytest.mark.nightly
def test_the_recorder_killed_comes_back_and_training_goes_on(popnet):
    process = popnet.start(**LONG)
    seen = []
    until = time.monotonic() + PATIENCE_S
    while len(seen) < 2 and time.monotonic() < until and process.poll() is None:
        for one in psutil.Process(process.pid).children(recursive=True):
            name = " ".join(one.cmdline()[:1]) if one.is_running() else ""
            if "Recorder" in name and one.pid not in seen:
                seen.append(one.pid)
                if len(seen) == 1:
                    one.kill()
        time.sleep(0.2)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0 and "note:" not in err, out + err
    assert len(seen) == 2, "the recorder was not started again"
    uri = f"sqlite:///{popnet.out.resolve()}/mlflow.db"
    with tracking_client.quiet_mlflow(uri):
        client = MlflowClient(tracking_uri=uri)
        experiment = client.get_experiment_by_name("flow").experiment_id
        found = client.search_runs([experiment], "tags.`popnet.kind` = 'network'")
    keys = [run.data.tags["popnet.key"] for run in found]
    assert sorted(keys) == sorted(open_run(popnet.out / "flow").table()["key"])
