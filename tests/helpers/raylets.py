"""Several raylets on one machine, by Ray's own test cluster: where no namespaces are.

The same interface as ``machines.Machines``, as far as the tests here use it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

import psutil


class Raylets:
    """A head (no CPU for work) and some workers, all at one address."""

    def __init__(self, workers: int, cpus: int = 1):
        self.cpus, self.count = cpus, workers + 1
        # Ray reads a token once in a process, and this one may have read another
        os.environ["RAY_AUTH_MODE"] = "disabled"
        from ray.cluster_utils import Cluster

        self.cluster = Cluster()
        self.nodes = {}

    @property
    def address(self) -> str:
        return self.cluster.address

    def start(self, number: int) -> None:
        self.nodes[number] = self.cluster.add_node(
            num_cpus=self.cpus if number else 0,
            object_store_memory=100 * 2**20,
            include_dashboard=False,
        )

    def popen(
        self, number: int, command: Sequence[str], **settings: object
    ) -> subprocess.Popen:
        return subprocess.Popen(command, **settings)  # type: ignore[call-overload]

    def named(self, number: int, title: str) -> list[psutil.Process]:
        (raylet,) = self.nodes[number].all_processes["raylet"]
        children = psutil.Process(raylet.process.pid).children(recursive=True)
        return [p for p in children if title in " ".join(p.cmdline()[:1])]

    def kill(self, number: int) -> None:
        self.cluster.remove_node(self.nodes.pop(number), allow_graceful=False)

    def close(self) -> None:
        self.cluster.shutdown()
        os.environ.pop("RAY_AUTH_MODE", None)
