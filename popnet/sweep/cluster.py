"""Starts or joins Ray: a local one by default, a cluster by its address.

Ray's client does not take up a cluster's token authentication by itself, so the mode
is set in every process (infrastructure of Ray 2.59 and later).
"""

from __future__ import annotations

import logging
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from popnet.config import ConfigError, Machine

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_AIR_NEW_OUTPUT": "0",  # no tables on stdout
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
}
THREADS = {
    name: "1"
    for name in (
        "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
        "NUMBA_NUM_THREADS",
    )
}  # fmt: skip
OBJECT_STORE_BYTES = 256 * 2**20


def device_of(machine: Machine) -> str:
    """cpu or cuda.  Raises ConfigError when a GPU is asked for and there is none."""
    import torch

    if machine.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if machine.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("machine.device: cuda, but torch sees no GPU here; use cpu.")
    return machine.device


def worker_count(machine: Machine, device: str) -> int:
    """Shard actors at work: as asked, or one per GPU, or one per core."""
    if machine.workers is not None:
        return machine.workers
    if device == "cuda":
        import torch

        return max(1, torch.cuda.device_count())
    return max(1, len(psutil.Process().cpu_affinity() or [0]))


def _set_environment(own_token: bool) -> None:
    """What Ray reads once, when it is imported or started.

    A local Ray gets a token of its own, so that nobody else on the machine can join.
    """
    if "ray" in sys.modules:
        return  # a notebook that already runs Ray keeps its own settings
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if own_token:
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


@contextmanager
def ray_running(address: str | None, workers: int) -> Iterator[Any]:
    """Ray, started on this machine or joined at ``address``; left in the end.

    Raises ConfigError when no cluster answers at the address.
    """
    _set_environment(own_token=address is None)
    import ray

    for name in ("ray", "ray.tune", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    runtime = {"env_vars": THREADS}
    common = {"logging_level": logging.ERROR, "log_to_driver": False}
    if ray.is_initialized():
        yield ray
        return
    if address is None:
        ray.init(
            num_cpus=workers,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            runtime_env=runtime,
            **common,
        )
    else:
        try:
            ray.init(address=address, runtime_env=runtime, **common)
        except ConnectionError as error:
            raise ConfigError(
                f"--address {address}: no Ray cluster answers "
                f"({str(error).splitlines()[0]}). Is it up, and is its token here "
                "(RAY_AUTH_MODE=token, RAY_AUTH_TOKEN or ~/.ray/auth_token)?"
            ) from None
    try:
        yield ray
    finally:
        ray.shutdown()
