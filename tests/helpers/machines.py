"""A Ray cluster of several machines on one: each a network namespace with a raylet.

Every machine has an address, a file system for /tmp/... of Ray's own and processes that
can be killed together, as by a power cut.  What they share is the disk, as a cluster's
machines share a mounted folder.  Needs root and Debian's iproute2.
"""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from helpers.pace import PATIENCE_S

PORT = 6380
RAY = str(Path(sys.executable).with_name("ray"))
_made = itertools.count()
"""Clusters of this process.  A device's name has room for nine of them."""
POPNET = str(Path(sys.executable).with_name("popnet"))


def why_not() -> str:
    """Why no namespaces can be made here; "" where they can."""
    if os.environ.get("POPNET_NO_NAMESPACES"):
        return "POPNET_NO_NAMESPACES is set"
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "`ip` is missing (Debian package iproute2)"
    probe = f"pn{os.getpid()}probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True)
    if made.returncode:
        return f"ip netns add: {made.stderr.decode().strip()}"
    _ip(f"netns delete {probe}")
    return ""


def _ip(command: str) -> None:
    subprocess.run(["ip", *command.split()], check=True, capture_output=True)


class Machines:
    """A head (no CPU for work) and some workers; machine 0 is the head."""

    def __init__(self, workers: int, cpus: int = 1):
        self.cpus, self.token = cpus, secrets.token_hex(32)
        before = next(_made)
        self.tag = f"{os.getpid() % 100_000}{before or ''}"
        # two clusters beside each other have networks of their own
        self.net = f"10.{64 + (os.getpid() + before) % 128}.{os.getpid() // 128 % 250}"
        self.scratch = Path(tempfile.mkdtemp(prefix="pn", dir="/tmp"))
        (self.scratch / "ray").mkdir()
        self.count = workers + 1
        self.rays: dict[int, subprocess.Popen] = {}
        self.extra: dict[int, dict[str, str]] = {}
        """Environment of single machines."""
        _ip(f"link add pnb{self.tag} type bridge")
        _ip(f"addr add {self.gateway}/24 dev pnb{self.tag}")
        _ip(f"link set pnb{self.tag} up")
        for number in range(self.count):
            self._wire(number)

    def name(self, number: int) -> str:
        return f"pn{self.tag}m{number}"

    def ip(self, number: int) -> str:
        return f"{self.net}.{number + 1}"

    @property
    def address(self) -> str:
        return f"{self.ip(0)}:{PORT}"

    @property
    def gateway(self) -> str:
        """Where every machine reaches the one that they all are on."""
        return f"{self.net}.254"

    def _wire(self, number: int) -> None:
        space, inside, outside = (
            self.name(number), f"pni{self.tag}{number}", f"pno{self.tag}{number}",
        )  # fmt: skip
        _ip(f"netns add {space}")
        _ip(f"link add {outside} type veth peer name {inside}")
        _ip(f"link set {inside} netns {space}")
        _ip(f"link set {outside} master pnb{self.tag} up")
        _ip(f"-n {space} addr add {self.ip(number)}/24 dev {inside}")
        _ip(f"-n {space} link set {inside} up")
        _ip(f"-n {space} link set lo up")

    def environment(self, number: int) -> dict[str, str]:
        own = {
            "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.token,
            "RAY_USAGE_STATS_ENABLED": "0",
        }  # fmt: skip
        return {**os.environ, **own, **self.extra.get(number, {})}

    def popen(
        self, number: int, command: Sequence[str], **settings: object
    ) -> subprocess.Popen:
        """Start a command on a machine."""
        inside = ["ip", "netns", "exec", self.name(number), *command]
        settings = {"env": self.environment(number), **settings}
        return subprocess.Popen(inside, **settings)  # type: ignore[call-overload]

    def start(self, number: int, seconds: float = 120) -> None:
        """Boot a machine: its raylet, with a folder of its own for Ray's files."""
        temp = self.scratch / "ray"
        own = f"--node-ip-address={self.ip(number)} --disable-usage-stats --block"
        own += f" --object-store-memory={100 * 2**20}"
        if number == 0:
            own += f" --head --port={PORT} --num-cpus=0 --temp-dir={temp}"
            own += " --include-dashboard=false"
        else:
            own += f" --address={self.address} --num-cpus={self.cpus}"
        # the head's is seen by the commands that run there
        private = f"mount --make-rprivate /; mount -t tmpfs tmpfs {temp}; "
        mount = private if number else ""
        with (self.scratch / f"{number}.log").open("ab") as log:
            self.rays[number] = self.popen(
                number, ["bash", "-c", f"{mount}exec {RAY} start {own}"],
                stdout=log, stderr=log,
            )  # fmt: skip
        if number == 0:
            self._wait_for_head(seconds)

    def _wait_for_head(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        log = self.scratch / "0.log"
        while "Ray runtime started" not in log.read_text():
            if self.rays[0].poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the head did not start: {log.read_text()}")
            time.sleep(0.2)

    def processes(self, number: int) -> list[psutil.Process]:
        """All that runs on a machine."""
        command = ["ip", "netns", "pids", self.name(number)]
        pids = subprocess.run(command, check=True, capture_output=True).stdout.split()
        return [psutil.Process(p) for p in map(int, pids) if psutil.pid_exists(p)]

    def kill(self, number: int) -> None:
        """A power cut: everything on the machine ends at once."""
        for _ in range(50):
            running = self.processes(number)
            if not running:
                break
            for process in running:
                _signal(process, signal.SIGKILL)
            time.sleep(0.1)
        self.forget(number)

    def terminate(self, number: int) -> None:
        """What a cloud does to a machine that it takes back: SIGTERM to its start."""
        self.rays[number].send_signal(signal.SIGTERM)

    def forget(self, number: int) -> None:
        """After a machine is down: its next start writes a log of its own."""
        ray = self.rays.pop(number, None)
        if ray is not None:
            ray.wait(PATIENCE_S)
        log = self.scratch / f"{number}.log"
        if log.exists():
            log.rename(self.scratch / f"{number}.{time.time_ns()}.log")

    def hide(self, number: int, folder: Path) -> None:
        """Let a running machine see an empty disk in this folder's place."""
        self._within(number, f"mount -t tmpfs tmpfs {folder}")

    def show(self, number: int, folder: Path) -> None:
        """Undo ``hide``."""
        self._within(number, f"umount {folder}")

    def _within(self, number: int, command: str) -> None:
        """Run in the mount namespace of a machine's raylet."""
        (raylet,) = [p for p in self.processes(number) if "/raylet" in _title(p)]
        enter = ["nsenter", "--mount", f"--target={raylet.pid}"]
        subprocess.run([*enter, *command.split()], check=True, capture_output=True)

    def named(self, number: int, title: str) -> list[psutil.Process]:
        """Ray's processes of this title on a machine, such as ray::Shard."""
        return [p for p in self.processes(number) if title in _title(p)]

    def close(self) -> None:
        for number in range(self.count):
            self.kill(number)
            _ip(f"netns delete {self.name(number)}")
        _ip(f"link delete pnb{self.tag}")
        shutil.rmtree(self.scratch, ignore_errors=True)


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()[:1])
    except psutil.Error:
        return ""


def _signal(process: psutil.Process, number: int) -> None:
    with suppress(psutil.Error):
        process.send_signal(number)
