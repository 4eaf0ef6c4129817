"""A real launch beside a report and a sync; no secret of it lies in any file."""

import json
import subprocess
import sys
import time

import pytest
import yaml
from helpers.pace import PATIENCE_S

pytestmark = [pytest.mark.flow, pytest.mark.slow]

SWEEP = {
    "name": "busy",
    "seed": 3,
    "networks": 4,
    "network": {"units": 12, "dt_s": 0.01, "tau_s": {"mean": 0.07}},
    "task": {"name": "dnms"},
    "rule": {"name": "reward_hebbian", "wait_trials": 5},
    "train": {"trials": 20000, "until": None},
    "machine": {"workers": 1},
}
URI = "http://me:hunter2@127.0.0.1:9/?token=hunter3#hunter4"


def command(*args):
    return [sys.executable, "-P", "-m", "popnet.cli.main", *map(str, args)]


def popnet(*args):
    return subprocess.run(command(*args), capture_output=True, text=True, check=False)


def test_a_launch_its_report_and_its_secrets(tmp_path):
    sweep, out = tmp_path / "sweep.yaml", tmp_path / "runs"
    sweep.write_text(yaml.safe_dump(SWEEP))
    folder = out / "busy"
    given = ("launch", sweep, "--out", out, "--tracking-uri", URI)
    launch = subprocess.Popen(
        command(*given), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        while not (folder / "provenance.json").exists():
            assert launch.poll() is None, launch.communicate()
            time.sleep(0.1)
        for writer in ("report", "sync"):
            done = popnet(writer, folder)
            assert done.returncode == 2 and done.stderr.count("\n") == 1, done
            assert f"process {launch.pid}" in done.stderr and "launch" in done.stderr
            assert "hunter" not in done.stderr
        assert popnet("status", folder).returncode == 0
        said = "".join(launch.communicate(timeout=PATIENCE_S))
    finally:
        launch.kill()
        launch.communicate()
    assert launch.returncode == 0 and "MLflow" in said, said
    assert json.loads(popnet("status", folder, "--json").stdout)["recorded"] == 4
    assert "hunter" not in said
    secret = [
        p for p in tmp_path.rglob("*") if p.is_file() and b"hunter" in p.read_bytes()
    ]
    assert secret == []
