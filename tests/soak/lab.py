"""The laboratory of the soak: a cluster, a small shared disk, an MLflow server.

Machine 0 is the head and runs the launch; the last one runs MLflow and no Ray.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import psutil
from helpers.machines import POPNET, Machines

DISK_BYTES = 1500 * 2**20
CLOCK = "FAKETIME_TIMESTAMP_FILE"


def fake_clock(file: Path) -> dict[str, str]:
    """Environment in which a machine's wall clock is what the file says."""
    found = importlib.util.find_spec("libfaketime")
    if found is None or found.origin is None:
        raise RuntimeError("libfaketime is missing: pip install '.[dev]'")
    library = next(Path(found.origin).parent.rglob("libfaketime.so.1"))
    file.write_text("+0\n")
    return {
        "LD_PRELOAD": str(library), CLOCK: str(file),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_CACHE_DURATION": "1",
    }  # fmt: skip


class Lab:
    """What the faults act on."""

    def __init__(self, folder: Path, sweep: Path, workers: int = 3):
        self.folder, self.sweep = folder, sweep
        self.disk = folder / "disk"
        self.disk.mkdir(parents=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs"]
        subprocess.run([*mount, str(self.disk)], check=True)
        self.out = self.disk / "runs"
        self.machines = Machines(workers=workers + 1)
        self.workers = list(range(1, workers + 1))
        self.mlflow_machine = workers + 1
        for number in self.workers:
            clock = fake_clock(folder / f"clock{number}")
            self.machines.extra[number] = clock
        self.mlflow: subprocess.Popen | None = None
        self.launch: subprocess.Popen | None = None
        self.launches = 0

    # --- parts ------------------------------------------------------------------------

    def boot(self) -> None:
        for number in [0, *self.workers]:
            self.machines.start(number)

    @property
    def tracking_uri(self) -> str:
        return f"http://{self.machines.ip(self.mlflow_machine)}:5000"

    def start_mlflow(self) -> None:
        place = self.folder / "mlflow"
        place.mkdir(exist_ok=True)
        command = [
            *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{place}/mlflow.db"),
            *("--artifacts-destination", (place / "artifacts").as_uri()),
            *("--host", self.machines.ip(self.mlflow_machine), "--port", "5000"),
            *("--allowed-hosts", "*"),
        ]
        own = {
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        with (self.folder / "mlflow.log").open("ab") as log:
            self.mlflow = self.machines.popen(
                self.mlflow_machine, command, stdout=log, stderr=log,
                env={**os.environ, **own},
            )  # fmt: skip

    def kill_mlflow(self) -> None:
        self.machines.kill(self.mlflow_machine)
        if self.mlflow is not None:
            self.mlflow.wait(30)

    def wait_for_mlflow(self, seconds: float = 120) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with (
                suppress(OSError),
                urllib.request.urlopen(
                    f"{self.tracking_uri}/health", timeout=2
                ) as answer,
            ):
                if answer.status == 200:
                    return
            time.sleep(0.5)
        raise RuntimeError("the MLflow server does not answer")

    def start_launch(self) -> None:
        """``popnet launch`` on the head, as a user types it."""
        command = [POPNET, "launch", str(self.sweep), "--out", str(self.out)]
        command += ["--address", self.machines.address]
        command += ["--tracking-uri", self.tracking_uri]
        self.launches += 1
        with (self.folder / "launch.log").open("ab") as log:
            self.launch = self.machines.popen(0, command, stdout=log, stderr=log)

    def driver(self) -> psutil.Process | None:
        """The launching process, if it runs."""
        if self.launch is None or self.launch.poll() is not None:
            return None
        return psutil.Process(self.launch.pid)  # `ip netns exec` becomes it

    def stop_launch(self, number: int, seconds: float = 90) -> int:
        """Signal the launching process; returns its exit code."""
        assert self.launch is not None
        self.launch.send_signal(number)
        try:
            return self.launch.wait(seconds)
        except subprocess.TimeoutExpired:
            self.launch.send_signal(signal.SIGKILL)
            return self.launch.wait(30)

    def processes(self, title: str) -> list[tuple[int, psutil.Process]]:
        """Ray's processes of this title, with their machines."""
        return [
            (number, process)
            for number in [0, *self.workers]
            for process in self.machines.named(number, title)
        ]

    def recorded(self) -> int:
        """Networks on disk, counted from the store's index as a stranger would."""
        import json

        keys = set()
        for path in (self.out / "store").glob("[im]*/*.json"):  # index and merged
            with suppress(OSError, ValueError):
                entry = json.loads(path.read_text())
                if entry["kind"] == "networks":
                    keys |= set(entry["keys"])
        return len(keys)

    def close(self) -> None:
        self.machines.close()
        subprocess.run(["umount", "-l", str(self.disk)], check=False)
