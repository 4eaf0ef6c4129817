"""What every test may ask for: networks planned from a few settings."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext

import pytest
import torch
import yaml

from popnet.catalogue import CATALOGUE
from popnet.config import load, read_text
from popnet.plan import networks


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Small tensors on two busy cores: torch's threads would wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def plan_of():
    """A validated plan from sections of a sweep file given as keywords."""

    def make(task="dnms", rule="reward_hebbian", count=1, seed=11, **sections):
        raw = {"name": "test", "seed": seed, "networks": count}
        raw |= {"task": task, "rule": rule, **sections}
        return load(read_text(yaml.safe_dump(raw)), CATALOGUE)

    return make


@pytest.fixture(scope="session")
def planned(plan_of):
    """The networks of such a plan."""

    def make(**given):
        return networks(plan_of(**given))

    return make


TINY = {
    "name": "tiny",
    "seed": 3,
    "networks": 2,
    # 12 units at 10 ms: a trial takes some 50 microseconds
    "network": {"units": 12, "dt_s": 0.01, "tau_s": {"mean": 0.07}},
    "task": {"name": "dnms"},
    "rule": {"name": "reward_hebbian", "wait_trials": 5},
    "train": {"trials": 40, "until": None},
    "grid": {"network.tau_s.spread": [0.0, 0.4]},
    "after": {
        "trials": 1,
        "perturb": [{"name": "synaptic_jitter", "levels": [0, 0.5]}],
        "other_tasks": ["dms"],
        "compare": ["behaviour", {"name": "weights", "align": False}],
    },
}


@pytest.fixture(scope="session")
def tiny():
    """A tiny sweep as it was read and loaded: (plan, source); None drops a section."""

    def make(**changes):
        raw = {k: v for k, v in {**TINY, **changes}.items() if v is not None}
        source = read_text(yaml.safe_dump(raw, sort_keys=False))
        return load(source, CATALOGUE), source

    return make


@pytest.fixture(scope="session")
def make_run(tiny):
    """Do what launch does with a tiny sweep, up to a stage, without Ray."""
    from popnet.config import dump
    from popnet.runs import create_run
    from popnet.runs.tables import write_tables
    from popnet.work import serial

    def make(out, stage="tables", **changes):
        plan, source = tiny(**changes)
        run = create_run(out, plan, dump(plan, source), {"command": ["popnet"]})
        if stage != "planned":
            serial.train_missing(run)
        if stage in ("tested", "tables"):
            serial.test_missing(run)
        if stage == "tables":
            serial.compare_missing(run)
            write_tables(run)
        return run

    return make


@pytest.fixture(scope="session")
def tiny_run(make_run, tmp_path_factory):
    """A tiny sweep trained, tested and compared; not to be changed."""
    return make_run(tmp_path_factory.mktemp("tiny") / "runs")


@pytest.fixture
def own_run(tiny_run, tmp_path):
    """A copy of it that a test may change."""
    shutil.copytree(tiny_run.out, tmp_path / "runs")
    return type(tiny_run)(tmp_path / "runs" / tiny_run.name)


@contextmanager
def _s3_server(host: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "moto.server", "-H", host, "-p", port]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, **quiet)
    try:
        at = f"{host}:{port}"
        bucket = urllib.request.Request(f"http://{at}/bucket", method="PUT")
        for _ in range(300):
            try:
                urllib.request.urlopen(bucket).close()
                break
            except OSError:
                time.sleep(0.1)
        yield f"?endpoint_override={at}&scheme=http&region=us-east-1"
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="session")
def s3_credentials() -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": "lab", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture(scope="session")
def s3_at(s3_credentials) -> Iterator[Callable[[str], str]]:
    """Starts an S3 server at an address, with a bucket.

    Returns what follows a folder's URI there.
    """
    with ExitStack() as servers, pytest.MonkeyPatch.context() as patched:
        for name, value in s3_credentials.items():
            patched.setenv(name, value)
        yield lambda host: servers.enter_context(_s3_server(host))


@pytest.fixture(scope="session")
def s3(s3_at) -> str:
    """An S3 server on loopback."""
    return s3_at("127.0.0.1")


@pytest.fixture
def working(monkeypatch):
    """Put something in the place of a launch's work with Ray; it keeps the address."""
    from popnet.sweep import launch

    addresses = []

    def joined(address, *_):
        addresses.append(address)
        return nullcontext("resources")

    def put(work, patch=monkeypatch):
        patch.setattr(launch, "joined", joined)
        patch.setattr(launch, "work", work)
        return addresses

    return put
