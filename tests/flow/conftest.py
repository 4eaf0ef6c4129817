"""Runs the real command, on a real local Ray, in a folder of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml
from helpers.pace import PATIENCE_S, wait_until

POPNET = [str(Path(sys.executable).with_name("popnet"))]

SWEEP = {
    "name": "flow",
    "seed": 3,
    "networks": 3,
    # 60 units at 5 ms: a trial takes a fraction of a millisecond
    "network": {"units": 60, "dt_s": 0.005, "tau_s": {"mean": 0.040}},
    "task": {"name": "dnms"},
    "rule": {"name": "reward_hebbian"},
    "train": {"trials": 2500, "until": None},
    "grid": {"network.tau_s.spread": [0.0, 0.4]},
    "after": {
        "trials": 2,
        "perturb": [{"name": "synaptic_jitter", "levels": [0, 0.5]}],
        "other_tasks": ["dms"],
        "compare": ["behaviour", {"name": "weights", "align": False}],
    },
    "machine": {"checkpoint_s": 0.5, "workers": 2},
}


class Popnet:
    """The command in one output folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.out = folder / "runs"
        self.started: list[subprocess.Popen] = []
        self.took_s = 0.0  # by the launch of ``finished``

    def write(self, **changes) -> Path:
        sweep = {k: v for k, v in {**SWEEP, **changes}.items() if v is not None}
        path = self.folder / f"{sweep['name']}.yaml"
        path.write_text(yaml.safe_dump(sweep, sort_keys=False))
        return path

    def __call__(self, *args, code=0, timeout=PATIENCE_S):
        done = subprocess.run(
            [*POPNET, *map(str, args)], cwd=self.folder, capture_output=True,
            text=True, timeout=timeout, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def launch(self, code=0, **changes):
        return self("launch", self.write(**changes), code=code)

    def start(self, *options, **changes) -> subprocess.Popen:
        path = self.write(**changes)
        process = subprocess.Popen(
            [*POPNET, "launch", str(path), *options], cwd=self.folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.started.append(process)
        return process

    def end(self) -> None:
        """Kill what a test that failed left running: it would disturb the next."""
        for process in self.started:
            if process.poll() is None:
                family = psutil.Process(process.pid).children(recursive=True)
                for one in [process, *family]:
                    one.kill()
                process.communicate()

    def wait_for_training(self, process) -> None:
        """Until some checkpoint is on disk: networks are in mid-training."""
        folder = self.out / "store" / "checkpoints"

        def begun() -> bool:
            assert process.poll() is None, process.communicate()
            return folder.is_dir() and any(folder.glob("*.safetensors"))

        wait_until(begun, "a checkpoint")

    def workers(self, process, title="Shard") -> list[psutil.Process]:
        """Ray's processes of a launch with this title."""
        family = psutil.Process(process.pid).children(recursive=True)
        return [p for p in family if f"ray::{title}" in " ".join(p.cmdline()[:1])]

    def kill_driver(self, process) -> None:
        """kill -9 the launching process; its shard actors then go by themselves."""
        actors = self.workers(process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        _, alive = psutil.wait_procs(actors, timeout=PATIENCE_S)
        assert actors and not alive, f"{len(alive)} actors outlived their driver"


@pytest.fixture
def popnet(tmp_path):
    command = Popnet(tmp_path)
    yield command
    command.end()


@pytest.fixture(scope="session")
def popnet_in():
    """Makes the command for a folder."""
    return Popnet


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """One sweep, launched undisturbed, and how long that took."""
    command = Popnet(tmp_path_factory.mktemp("finished"))
    began = time.monotonic()
    command.launch()
    command.took_s = time.monotonic() - began
    return command
