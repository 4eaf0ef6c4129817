"""MLflow is filled from a recorded run: whole, once, and after any interruption."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from popnet.records import tracking, tracking_store

SETTINGS = {
    "network.units": 200,
    "network.gain": 1.5,
    "network.tau_s.mean": 0.03,
    "network.tau_s.law": "uniform",
    "task.name": "dnms",
    "train.trials": 4000,
    "train.until.accuracy": None,
    "after.levels": [0, 0.1],
}
TAU = "network.tau_s.spread"


@dataclass
class FakeRun:
    """A recorded run, made up: `spreads` x `each` networks."""

    out: Path
    name: str = "spread"
    spreads: tuple[float, ...] = (0.0, 0.2)
    each: int = 2
    evaluated: bool = True
    varied: list[str] = field(default_factory=lambda: [TAU])

    def __post_init__(self) -> None:
        self.folder = self.out / self.name
        (self.folder / "report" / "figures").mkdir(parents=True, exist_ok=True)
        (self.folder / "sweep.yaml").write_text(f"name: {self.name}\n")
        (self.folder / "report" / "figures" / "curves.png").write_bytes(b"a figure")
        self.sweep = SimpleNamespace(networks=self.each)

    def planned(self) -> int:
        return len(self.spreads) * self.each

    def keys(self) -> list[str]:
        return [f"{round(s * 10):x}{i:019x}" for s in self.spreads for i in self.nth()]

    def nth(self) -> range:
        return range(self.each)

    def table(self) -> pd.DataFrame:
        rows = [
            {
                "key": f"{round(spread * 10):x}{index:019x}",
                "condition": f"{round(spread * 10):010x}",
                "label": f"spread={spread}",
                "index": index,
                "seed": 7,
                "status": "diverged" if spread and index == 1 else "converged",
                "trials": 1000 + index,
                "trials_to_criterion": pd.NA if spread and index == 1 else 1000 + index,
                "final_error": float("nan") if spread and index == 1 else 0.1,
                "final_accuracy": 0.95,
                "accuracy": 0.9 if self.evaluated else None,
                "weight_change": 0.5,
                "spectral_radius": float("inf") if spread and index == 1 else 1.6,
                "recorded_at": 1.79e9 + index + 100 * spread,
                "weights_file": "weights/batch.safetensors",
                **SETTINGS,
                TAU: spread,
            }
            for spread in self.spreads
            for index in self.nth()
        ]
        frame = pd.DataFrame(rows)
        if rows:
            whole = frame["trials_to_criterion"].astype("Int64")
            frame["trials_to_criterion"] = whole
        return frame

    def curves(self) -> pd.DataFrame:
        rows = [
            (key, 50 * block, 1 / block, 1 - (0.5 + int(key[-1]) ** 2 / 100) / block)
            for key in self.keys()
            for block in range(1, 24 - 3 * int(key[-1]))
        ]
        return pd.DataFrame(rows, columns=["key", "trial", "error", "accuracy"])

    def evaluations(self) -> pd.DataFrame:
        label = "synaptic_jitter(mode=relative)"
        rows = [("task", "dnms", 0.0, 0.95), ("task", "dms", 0.0, 0.25)]
        rows += [("perturbation", label, *p) for p in ((0, 1.0), (0.1, 0.75), (1, 0.5))]
        known = [(key, *row) for key in self.keys() for row in rows if self.evaluated]
        columns = ["key", "kind", "name", "level", "accuracy"]
        return pd.DataFrame(known, columns=columns)

    def network(self, key: str) -> SimpleNamespace:
        generator = np.random.default_rng(int(key, 16) % 1000)
        weights = generator.normal(size=(5, 7)).astype(np.float32)
        tau_s = generator.random(5)
        tau_s[0] = np.nan
        return SimpleNamespace(
            initial={"w": weights.T, "tau_s": tau_s, "step": np.array(3)},
            final={"w": weights[:, ::2], "tau_s": tau_s, "on": tau_s > 0.5},
        )


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow store with tables and no runs; making one takes seconds."""
    out = tmp_path_factory.mktemp("empty")
    uri = tracking_store.embedded_uri(out)
    with tracking_store.quiet_mlflow(uri):
        tracking_store.prepare(uri, out / "artifacts")
    return out / "mlflow.db"


@pytest.fixture
def out(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs with an awkward name, and an empty working directory."""
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    return fresh(tmp_path / "my runs, é", empty_store)


def fresh(folder: Path, empty_store: Path) -> Path:
    folder.mkdir()
    shutil.copy(empty_store, folder / "mlflow.db")
    return folder


def fake(out: Path, **changes: Any) -> Any:
    return FakeRun(out, **changes)


def client_of(out: Path) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_store.embedded_uri(out))


def active(out: Path, kind: str = "network", name: str = "spread") -> dict[str, Any]:
    """The active MLflow runs of a kind by their key; none may be there twice."""
    client = client_of(out)
    experiment = client.get_experiment_by_name(name)
    found = client.search_runs(
        [experiment.experiment_id], f"tags.`popnet.kind` = '{kind}'"
    )
    keys = [run.data.tags["popnet.key"] for run in found]
    assert len(keys) == len(set(keys)), f"twice: {sorted(keys)}"
    return dict(zip(keys, found, strict=True))


def points(out: Path, run: Any, name: str) -> list[tuple[int, float]]:
    history = client_of(out).get_metric_history(run.info.run_id, name)
    return sorted((point.step, point.value) for point in history)


def check_whole(out: Path, run: Any) -> None:
    """Every network is there once, with its metrics once, its parents, its weights."""
    networks, conditions = active(out), active(out, "condition")
    (sweep,) = active(out, "sweep").values()
    assert sorted(networks) == sorted(run.keys())
    assert len(conditions) == len(run.spreads)
    for key, network in networks.items():
        condition = conditions[network.data.tags["popnet.condition"]]
        assert network.data.tags["mlflow.parentRunId"] == condition.info.run_id
        assert condition.data.tags["mlflow.parentRunId"] == sweep.info.run_id
        assert len(network.data.params) == len(SETTINGS)
        assert {"final_accuracy", "task.dms", "curve_error"} <= set(
            network.data.metrics
        )
        for name in network.data.metrics:
            seen = points(out, network, name)
            assert len(seen) == (10 if name.startswith("curve_") else 1), (key, name)
        assert load_file(weights_of(network)).keys() >= {"initial.w", "final.w"}
    for condition in conditions.values():
        steps = [s for s, _ in points(out, condition, "curve_error_median")]
        assert steps == [50 * block for block in range(1, 24)]
    names = {file.path for file in client_of(out).list_artifacts(sweep.info.run_id)}
    assert names == {"sweep.yaml", "report"}


def weights_of(network: Any) -> Path:
    from mlflow.utils.file_utils import local_file_uri_to_path

    folder = local_file_uri_to_path(network.info.artifact_uri)
    return Path(folder) / "weights.safetensors"


def test_a_second_sync_doubles_nothing_and_touches_nothing(out: Path) -> None:
    seen = []
    run = fake(out)
    first = tracking.sync(run, on_progress=lambda *counts: seen.append(counts))
    check_whole(out, run)
    before = active(out)
    second = tracking.sync(run)
    assert (first.created, first.completed, first.unchanged) == (4, 0, 0)
    assert (second.created, second.completed, second.unchanged) == (0, 0, 4)
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert {k: r.to_dictionary() for k, r in active(out).items()} == {
        k: r.to_dictionary() for k, r in before.items()
    }
    assert list(Path.cwd().iterdir()) == []
    assert (out / "artifacts" / "spread").is_dir()


def test_a_network_says_its_settings_its_scores_and_its_fate(out: Path) -> None:
    run = fake(out)
    tracking.sync(run)
    networks = active(out)
    good, bad = networks["2" + "0" * 19], networks["2" + "0" * 18 + "1"]
    settings = {k: str(v) for k, v in SETTINGS.items() if v is not None}
    settings["after.levels"] = "[0, 0.1]"
    assert good.data.params == {**settings, TAU: "0.2"}
    assert good.info.run_name == "spread=0.2 #0"
    assert (good.info.status, bad.info.status) == ("FINISHED", "FAILED")
    assert bad.data.tags["popnet.status"] == "diverged"
    assert good.info.start_time == round((1.79e9 + 20) * 1000)
    assert good.data.metrics["trials_to_criterion"] == 1000
    assert good.data.metrics["drop.synaptic_jitter_mode_relative"] == 1 - 0.625
    assert good.data.metrics["task.dms"] == 0.25
    assert not {"final_error", "spectral_radius", "trials_to_criterion"} & set(
        bad.data.metrics
    )
    curve = points(out, good, "curve_error")
    assert len(curve) == 10
    assert curve[0] == (50, 1.0)
    assert curve[-1] == (23 * 50, 1 / 23)


def test_a_condition_shows_its_population_without_the_diverged(out: Path) -> None:
    tracking.sync(fake(out, each=3))
    condition = active(out, "condition")["0000000002"]
    metrics = condition.data.metrics
    assert (metrics["networks"], metrics["converged"], metrics["diverged"]) == (3, 2, 1)
    # 1000, 1002 and the cap of the one that diverged
    assert metrics["median.trials_to_criterion"] == 1002
    assert "counts as its cap" in condition.data.tags["mlflow.note.content"]
    # networks 0 and 2 did not diverge; the latter stopped after 17 of 23 blocks
    ends = {100: (1 - 0.54 / 2, 1 - 0.5 / 2), 1150: (1 - 0.54 / 17, 1 - 0.5 / 23)}
    for band, share in {"q25": 0.25, "median": 0.5, "q75": 0.75}.items():
        curve = dict(points(out, condition, f"curve_accuracy_{band}"))
        for step, (low, high) in ends.items():
            expected = low + share * (high - low)
            assert curve[step] == pytest.approx(expected, abs=1e-12)


def test_weights_load_back_bit_for_bit(out: Path) -> None:
    run = fake(out)
    tracking.sync(run)
    key = run.keys()[2]
    path, network = weights_of(active(out)[key]), run.network(key)
    tensors = load_file(path)
    stages = {"initial": network.initial, "final": network.final}
    expected = {
        f"{s}.{n}": a for s, arrays in stages.items() for n, a in arrays.items()
    }
    assert tensors.keys() == expected.keys()
    for name, array in expected.items():
        assert tensors[name].dtype == array.dtype
        assert tensors[name].shape == array.shape
        assert tensors[name].tobytes() == array.tobytes()
    with safe_open(path, "np") as opened:
        assert opened.metadata()["key"] == key
        assert '"network.tau_s.spread": 0.2' in opened.metadata()["settings"]


def test_scores_that_arrive_later_update_the_same_run(out: Path) -> None:
    tracking.sync(fake(out, evaluated=False))
    before = active(out)
    assert "task.dms" not in next(iter(before.values())).data.metrics
    report = tracking.sync(fake(out))
    assert (report.created, report.completed, report.unchanged) == (0, 4, 0)
    after = active(out)
    assert {k: r.info.run_id for k, r in after.items()} == {
        k: r.info.run_id for k, r in before.items()
    }
    check_whole(out, fake(out))


def test_a_score_that_changes_becomes_the_latest(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracking.sync(fake(out))
    table = fake(out).table().assign(accuracy=0.7)
    monkeypatch.setattr(FakeRun, "table", lambda _: table)
    tracking.sync(fake(out))
    tracking.sync(fake(out))
    network = active(out)[fake(out).keys()[0]]
    assert network.data.metrics["accuracy"] == 0.7
    assert points(out, network, "accuracy") == [(0, 0.7), (0, 0.9)]
    assert len(points(out, network, "curve_error")) == 10


def test_more_networks_replace_the_curves_of_their_population(out: Path) -> None:
    tracking.sync(fake(out, each=1))
    old = active(out, "condition")["0000000000"].info.run_id
    report = tracking.sync(fake(out, each=3))
    assert (report.created, report.unchanged, report.retired) == (4, 2, 0)
    check_whole(out, fake(out, each=3))
    assert active(out, "condition")["0000000000"].info.run_id != old


def test_live_leaves_the_curves_of_a_growing_population_for_later(out: Path) -> None:
    run = fake(out, each=1)
    run.sweep.networks = 2
    tracking.sync(run, live=True)
    growing = active(out, "condition")["0000000000"]
    assert growing.info.status == "RUNNING"
    assert "curve_error_median" not in growing.data.metrics
    (sweep,) = active(out, "sweep").values()
    assert client_of(out).list_artifacts(sweep.info.run_id) == []
    tracking.sync(fake(out))
    check_whole(out, fake(out))
    whole = active(out, "condition")["0000000000"]
    assert whole.info.run_id == growing.info.run_id
    assert whole.info.status == "FINISHED"


def test_what_the_sweep_no_longer_has_is_retired(out: Path) -> None:
    tracking.sync(fake(out))
    report = tracking.sync(fake(out, spreads=(0.2,)))
    assert report.retired == 3  # two networks and their condition
    check_whole(out, fake(out, spreads=(0.2,)))


def test_twins_become_one_and_a_lost_artifact_comes_back(out: Path) -> None:
    run = fake(out)
    tracking.sync(run)
    network = active(out)[run.keys()[0]]
    tags = {k: v for k, v in network.data.tags.items() if k != "popnet.complete"}
    client_of(out).create_run(network.info.experiment_id, 1, tags)
    weights_of(network).unlink()
    report = tracking.sync(run)
    assert (report.completed, report.retired) == (1, 1)
    check_whole(out, run)


def test_a_run_without_networks_is_a_sweep_alone(out: Path) -> None:
    run = fake(out, spreads=())
    assert tracking.sync(run).created == 0
    assert active(out) == {}
    assert len(active(out, "sweep")) == 1


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


@contextmanager
def killed_at_commit(number: int, how: Any) -> Any:
    """Call `how` in place of the transaction with this number."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    count = 0

    def commit(_: object) -> None:
        nonlocal count
        count += 1
        if count == number:
            how()

    event.listen(Engine, "commit", commit)
    try:
        yield lambda: count
    finally:
        event.remove(Engine, "commit", commit)


def die() -> None:
    raise Killed


@pytest.mark.parametrize("limit", [800, 9], ids=["one batch", "many batches"])
def test_killed_anywhere_and_synced_again_it_is_whole(
    limit: int,
    out: Path,
    tmp_path: Path,
    empty_store: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tracking, "BATCH", {"metrics": limit, "params": limit // 2})
    with killed_at_commit(0, die) as count:
        tracking.sync(fake(out, spreads=(0.2,)))
    assert count() > 30
    for number in range(2, count(), 3 if limit == 800 else 7):
        run = fake(fresh(tmp_path / f"{number}", empty_store), spreads=(0.2,))
        with killed_at_commit(number, die), pytest.raises(Killed):
            tracking.sync(run)
        tracking.sync(run)
        check_whole(run.out, run)


def test_killed_for_good_and_synced_again_it_is_whole(out: Path) -> None:
    # warnings are errors here too: MLflow's libraries give some when first imported
    command = [sys.executable, "-W", "error", __file__, str(out)]
    killed = subprocess.run(command, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert 0 < len(active(out)) < 4
    report = tracking.sync(fake(out))
    assert report.created < 4
    check_whole(out, fake(out))


def test_a_folder_of_the_same_name_elsewhere_gets_its_own_experiment(
    out: Path, tmp_path: Path
) -> None:
    uri = tracking_store.embedded_uri(out)
    other = fake(tmp_path / "other", spreads=(0.0,))
    tracking.sync(fake(out, spreads=(0.2,)), uri)
    report = tracking.sync(other, uri)
    assert report.experiment.startswith("spread-")
    assert len(active(out)) == 2
    assert len(active(out, name=report.experiment)) == 2
    assert not (tmp_path / "other" / "mlflow.db").exists()


def test_a_moved_folder_is_filled_at_its_new_place(out: Path, tmp_path: Path) -> None:
    tracking.sync(fake(out))
    moved = out.rename(tmp_path / "moved")
    assert tracking.sync(fake(moved)).created == 4
    check_whole(moved, fake(moved))
    assert not out.exists()


def test_an_experiment_deleted_by_hand_comes_back(out: Path) -> None:
    tracking.sync(fake(out))
    client = client_of(out)
    experiment = client.get_experiment_by_name("spread").experiment_id
    client.delete_experiment(experiment)
    assert tracking.sync(fake(out)).unchanged == 4
    check_whole(out, fake(out))


@pytest.mark.parametrize("listening", [False, True], ids=["refuses", "is silent"])
def test_a_server_that_is_away_is_one_sentence_soon(out: Path, listening: bool) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listening:
            server.listen()
        uri = f"http://me:secret@127.0.0.1:{server.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(tracking.TrackingError) as error:
            tracking.sync(fake(out), uri)
    assert time.monotonic() - began < 20
    message = str(error.value)
    assert "127.0.0.1" in message
    assert "Nothing recorded is lost" in message
    assert "popnet sync" in message
    assert str(out / "spread") in message
    assert "--tracking-uri" in message
    assert "secret" not in message
    assert "\n" not in message
    assert ("connection refused" in message) != listening


def test_a_folder_is_no_store(out: Path) -> None:
    with pytest.raises(tracking.TrackingError, match="give a server"):
        tracking.sync(fake(out), "./mlruns")
    assert list(Path.cwd().iterdir()) == []


def test_a_path_that_no_address_can_hold_is_said(tmp_path: Path) -> None:
    with pytest.raises(tracking.TrackingError, match=r"with % or \?"):
        tracking.sync(fake(tmp_path / "a%20b"))


def test_the_environment_is_left_as_it_was(out: Path) -> None:
    before = dict(os.environ)
    tracking.sync(fake(out, spreads=()))
    assert dict(os.environ) == before


def test_the_page_is_served_on_loopback(out: Path, tmp_path: Path) -> None:
    run = fake(out)
    assert tracking.page(run).endswith("/#/experiments")
    report = tracking.sync(run)
    assert f"/experiments/{report.experiment_id}/runs?" in tracking.page(run, port=5001)
    for given in (run, out, str(out)):
        command, environment = tracking.serve_command(given, port=5001)
        assert command[command.index("--host") + 1] == "127.0.0.1"
        assert command[command.index("--port") + 1] == "5001"
        assert f"sqlite:///{out.resolve()}/mlflow.db" in command
        assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
        assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
        assert environment["PATH"] == os.environ["PATH"]
    with pytest.raises(tracking.TrackingError, match="no MLflow store"):
        tracking.serve_command(tmp_path)


def test_importing_it_does_not_import_mlflow() -> None:
    code = "import popnet.records.tracking, sys; sys.exit('mlflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


if __name__ == "__main__":
    with killed_at_commit(34, lambda: os.kill(os.getpid(), signal.SIGKILL)):
        tracking.sync(fake(Path(sys.argv[1])))
