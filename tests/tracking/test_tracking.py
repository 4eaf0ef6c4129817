"""MLflow is filled from a recorded run: whole, once, and bit for bit."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from helpers.made_up_run import (
    SETTINGS,
    TAU,
    active,
    check_whole,
    fake,
    points,
    weights_of,
)
from safetensors import safe_open
from safetensors.numpy import load_file

from popnet import tracking


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


def test_searches_are_planned_by_the_rows_there_are(out: Path) -> None:
    tracking.sync(fake(out))
    with closing(sqlite3.connect(out / "mlflow.db")) as database:
        counted = database.execute("SELECT tbl FROM sqlite_stat1").fetchall()
    assert {"runs", "tags", "latest_metrics"} <= {table for (table,) in counted}


def test_a_run_without_networks_is_a_sweep_alone(out: Path) -> None:
    run = fake(out, spreads=())
    assert tracking.sync(run).created == 0
    assert active(out) == {}
    assert len(active(out, "sweep")) == 1


def test_importing_it_does_not_import_mlflow() -> None:
    code = "import popnet.tracking.filling, sys; sys.exit('mlflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
