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

from popnet.config import ConfigError, Machine
from popnet.environment import environment
from popnet.sweep.same_code import job_config, path_to_this_popnet

ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_AIR_NEW_OUTPUT": "0",  # no tables on stdout
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",  # a lost machine is not one
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    # a process that has tested networks waits for more of them: as actors hold the
    # CPUs, Ray would end it after a second, and loading torch costs more than a test
    "RAY_idle_worker_killing_time_threshold_ms": "600000",
}
THREADS = {
    name: "1"
    for name in (
        "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS",
        "NUMBA_NUM_THREADS",
    )
}  # fmt: skip
OBJECT_STORE_BYTES = 256 * 2**20


def cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def check_device(machine: Machine) -> None:
    """Raise ConfigError when a GPU is asked for and this machine has none.

    It is for a Ray on this machine: a cluster may have the GPU.
    """
    import torch

    if machine.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("machine.device: cuda, but torch sees no GPU here; use cpu.")


def device_and_workers(
    machine: Machine, resources: dict[str, float], joined: bool = False
) -> tuple[str, int]:
    """Choose the device and the number of shard actors by the resources of Ray.

    There is one actor per GPU where there are any, else one per core, unless the sweep
    asks otherwise.  Raises ConfigError when it asks for more than Ray has, since Ray
    would wait forever; a cluster that was ``joined`` may still grow and is not refused.
    """
    gpus, cpus = int(resources.get("GPU", 0)), int(resources.get("CPU", 0))
    device = machine.device
    if device == "auto":
        device = "cuda" if gpus else "cpu"
    have = gpus if device == "cuda" else cpus
    kind = "GPUs" if device == "cuda" else "CPUs"
    wanted = machine.workers or max(1, have)
    if not joined and (wanted > have or wanted > cpus):
        raise ConfigError(
            f"machine.workers: {wanted} shard actors need as many {kind} (and a CPU "
            f"each); Ray has {have} {kind} and {cpus} CPUs. Give at most "
            f"{min(have, cpus)}."
        )
    return device, wanted


def _set_environment(own_token: bool) -> None:
    """Set the environment variables that Ray reads when it is imported or started.

    A local Ray gets a token of its own, so that nobody else on the machine can join.
    """
    if "ray" in sys.modules:
        return  # a notebook that already runs Ray keeps its own settings
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if own_token:
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


@contextmanager
def ray_running(address: str | None, cpus: int) -> Iterator[Any]:
    """Start Ray on this machine with ``cpus``, or join it at ``address``; yields it.

    Raises ConfigError when no cluster answers at the address.
    """
    _set_environment(own_token=address is None)
    import ray

    for name in ("ray", "ray.tune", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # Ray prints the last lines of a lost machine's log; the launch reports it in one
    ray._private.worker.print_to_stdstream = lambda *_, **__: None  # pyright: ignore
    common: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address is None or not address.startswith("ray://"):
        common["job_config"] = job_config()
    if ray.is_initialized():
        yield ray
        return
    if address is None:
        _start(ray, cpus, **common)
    else:
        _join(ray, address, runtime_env={"env_vars": THREADS}, **common)
    try:
        yield ray
    finally:
        ray.shutdown()


def _start(ray: Any, cpus: int, **common: Any) -> None:
    """Start a Ray of its own, whose workers import the popnet of this process.

    They have ``THREADS`` from the processes that start them and not from an environment
    of the job, so that the ones which Ray starts beforehand are of use.
    """
    with environment({**THREADS, **path_to_this_popnet()}):
        ray.init(
            address="local",  # never a cluster that happens to run on this machine
            num_cpus=cpus,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            **common,
        )


def _join(ray: Any, address: str, **common: Any) -> None:
    """Join the Ray at this address.  Raises ConfigError when none answers there."""
    try:
        ray.init(address=address, **common)
    except ConnectionError as error:
        raise ConfigError(
            f"--address {address}: no Ray cluster answers "
            f"({str(error).splitlines()[0]}). Is it up, and is its token here "
            "(RAY_AUTH_MODE=token, RAY_AUTH_TOKEN or ~/.ray/auth_token)?"
        ) from None
