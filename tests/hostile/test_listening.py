"""Who can reach what popnet starts: loopback alone, and Ray only with its token."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import yaml
from helpers.pace import PATIENCE_S, wait_until

POPNET = str(Path(sys.executable).with_name("popnet"))
LONG = {
    "name": "long", "seed": 3, "networks": 2,
    "network": {"units": 60, "dt_s": 0.005}, "task": "dnms", "rule": "reward_hebbian",
    "train": {"trials": 200_000, "until": None}, "machine": {"workers": 1},
}  # fmt: skip
JOIN = """
import ray, sys
try:
    ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR")
except (ConnectionError, RuntimeError) as error:
    sys.exit(7)
print(len(ray.nodes()))
"""


def listening(process: psutil.Process) -> dict[int, str]:
    """Port -> address of everything this process and those it started listen on."""
    found = {}
    for one in [process, *process.children(recursive=True)]:
        try:
            for c in one.net_connections(kind="tcp"):
                if c.status == psutil.CONN_LISTEN:
                    found[c.laddr.port] = c.laddr.ip
        except psutil.Error:
            continue
    return found


def ended(process: subprocess.Popen) -> None:
    """End a process and all that it started."""
    whole = psutil.Process(process.pid)
    for one in [whole, *whole.children(recursive=True)]:
        try:
            one.kill()
        except psutil.Error:
            continue
    process.wait(timeout=PATIENCE_S)


@pytest.mark.slow
def test_the_ui_is_on_loopback_alone(own_run):
    subprocess.run([POPNET, "sync", own_run.folder], check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ui = subprocess.Popen(
        [POPNET, "ui", own_run.folder, "--port", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        ports = wait_until(lambda: listening(psutil.Process(ui.pid)), "a port")
        assert set(ports.values()) == {"127.0.0.1"}, ports
        assert port in ports
    finally:
        ended(ui)


def joins(address: str, token: str | None) -> int:
    """The exit code of a client that asks for the cluster; 7: it was turned away."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    environment |= {"RAY_AUTH_MODE": "token", "HOME": "/nonexistent",
                    "RAY_gcs_rpc_server_reconnect_timeout_s": "5"}  # fmt: skip
    if token is not None:
        environment["RAY_AUTH_TOKEN"] = token
    try:
        done = subprocess.run(
            [sys.executable, "-c", JOIN, address], env=environment, timeout=60,
            capture_output=True, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return -1  # it goes on asking
    return done.returncode


@pytest.mark.slow
def test_a_launchs_ray_turns_away_who_has_not_its_token(tmp_path):
    (tmp_path / "long.yaml").write_text(yaml.safe_dump(LONG))
    launch = subprocess.Popen(
        [POPNET, "launch", "long.yaml"], cwd=tmp_path, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, env={**os.environ, "RAY_AUTH_TOKEN": "of-another"},
    )  # fmt: skip
    try:
        process = psutil.Process(launch.pid)

        def raylet():
            assert launch.poll() is None
            family = process.children(recursive=True)
            return [p for p in family if p.name() == "raylet"]

        (node,) = wait_until(raylet, "a raylet")
        given = node.environ()
        assert given["RAY_AUTH_MODE"] == "token"
        token = given["RAY_AUTH_TOKEN"]
        assert len(token) == 64 and token != "of-another"  # its own, not one left over
        family = [process, *process.children(recursive=True)]
        assert not any(token in " ".join(p.cmdline()) for p in family)
        arguments = " ".join(node.cmdline())
        address = arguments.split("--gcs-address=")[1].split()[0]
        assert joins(address, token) == 0
        assert joins(address, None) != 0
        assert joins(address, "0" * 64) != 0
    finally:
        ended(launch)
