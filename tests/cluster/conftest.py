"""A cluster of three machines, and the sweep that is trained on it."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml
from helpers.machines import POPNET, Machines, why_not
from helpers.pace import PATIENCE_S, wait_until

from popnet import open_run
from popnet.store import Store
from popnet.store.backend import Backend

SWEEP = {
    "name": "shared",
    "seed": 3,
    "networks": 6,
    # 60 units at 5 ms: some seconds a network, so that losses fall in mid-training
    "network": {"units": 60, "dt_s": 0.005, "tau_s": {"mean": 0.040}},
    "task": {"name": "dnms"},
    "rule": {"name": "reward_hebbian"},
    "train": {"trials": 8000, "until": None, "curve_every": 500},
    "grid": {"network.tau_s.spread": [0.0, 0.4]},
    "after": {
        "trials": 2,
        "perturb": [{"name": "synaptic_jitter", "levels": [0, 0.5]}],
    },
    "machine": {"checkpoint_s": 1.0},
}


class Lab:
    """A cluster, a shared folder and the command on the head."""

    def __init__(self, machines, folder: Path):
        self.machines, self.out = machines, folder / "runs"
        self.file = folder / "sweep.yaml"
        self.file.write_text(yaml.safe_dump(SWEEP, sort_keys=False))

    def launch(self, *more: str) -> subprocess.Popen:
        command = [POPNET, "launch", str(self.file), "--out", str(self.out)]
        command += ["--address", self.machines.address, *more]
        return self.machines.popen(
            0, command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def training(
        self, process: subprocess.Popen, backend: Backend | None = None
    ) -> None:
        """Wait until networks are in mid-training."""
        backend = backend or Store(self.out / "store").backend

        def begun() -> bool:
            assert process.poll() is None, process.communicate()
            listed = backend.listed("checkpoints")
            return any(name.endswith(".safetensors") for name in listed)

        wait_until(begun, "a checkpoint")

    def ends(self, process: subprocess.Popen, code: int = 0) -> str:
        out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == code, out + err
        return err

    def bits(self) -> dict[str, dict[str, bytes]]:
        """Every network's trained tensors, by key."""
        run = open_run(self.out / "shared")
        return {
            key: {n: a.tobytes() for n, a in run.network(key).final.items()}
            for key in run.table()["key"]
        }


@pytest.fixture(scope="package")
def machines(s3_credentials):
    reason = why_not()
    if reason:
        from helpers.raylets import Raylets

        print(f"several raylets at one address instead of machines: {reason}")
        cluster = Raylets(workers=2)
    else:
        cluster = Machines(workers=2)
        cluster.extra = dict.fromkeys(range(cluster.count), s3_credentials)
    try:
        for number in range(cluster.count):
            cluster.start(number)
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def lab(machines, tmp_path):
    return Lab(machines, tmp_path)


@pytest.fixture(scope="package")
def laptop(tmp_path_factory, machines):
    """The same sweep on this machine alone: the bits that are asked for."""
    alone = Lab(machines, tmp_path_factory.mktemp("laptop"))
    command = [POPNET, "launch", str(alone.file), "--out", str(alone.out)]
    own = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    subprocess.run(
        command, check=True, capture_output=True, timeout=PATIENCE_S, env=own
    )
    return alone.bits()
