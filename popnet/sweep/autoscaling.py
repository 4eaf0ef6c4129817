"""Asks a cluster's autoscaler for its workers and waits until they have come."""

from __future__ import annotations

import time
from collections.abc import Callable

from popnet.sweep.cluster import ray_running

EVERY_S = 2.0


def wait_for_workers(
    address: str,
    nodes: int,
    each: dict[str, float],
    patience_s: float,
    on_change: Callable[[str], None],
) -> dict[str, float]:
    """Wait for ``nodes`` with ``each`` CPUs and GPUs; returns what the cluster has.

    A launch takes the workers that are present when it begins, and a cluster with an
    autoscaler may begin with none.  After ``patience_s`` the launch makes do with one
    node or more.  ``on_change`` is called with a sentence whenever their number
    changes.  Raises TimeoutError when not one has come.  The request is taken back at
    once: from then on it is the training itself that keeps the workers.
    """
    with ray_running(address, nodes) as ray:
        from ray.autoscaler.sdk import request_resources

        request_resources(bundles=[each] * nodes)
        try:
            began, reported = time.monotonic(), -1
            while True:
                resources = ray.cluster_resources()
                present = min(
                    int(resources.get(kind, 0) // amount)
                    for kind, amount in each.items()
                )
                if present != reported:
                    on_change(f"{min(present, nodes)} of {nodes} workers are there")
                    reported = present
                late = time.monotonic() - began > patience_s
                if present >= nodes or (late and present):
                    return resources
                if late:
                    raise TimeoutError(
                        f"no worker came in {patience_s:g} s (each asks for {each})"
                    )
                time.sleep(EVERY_S)
        finally:
            request_resources(bundles=[])
