"""Runs packs through Ray Tune and hands on what they report."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import ray
from ray import tune
from ray.tune import Callback, PlacementGroupFactory

from popnet.config import Machine
from popnet.plan import Pack, shard_capacity
from popnet.sweep.pack import Site, TrainPack

CPU_SHARD = 16
RETRIES = 3
Report = Callable[[dict[str, Any]], None]


class _Heard(Callback):
    """Passes each result of a pack on, in the launching process."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Any],
        trial: Any,
        result: dict[str, Any],
        **info: Any,
    ) -> None:
        """A pack has worked for a beat."""
        self.report(result)


def site_of(
    machine: Machine, packs: list[Pack], store: str, device: str, workers: int
) -> Site:
    """Where packs train, and how many networks a shard may hold in memory."""
    fits = min(
        shard_capacity(p.networks[0].config, memory_bytes(device, workers), device)
        for p in packs
    )
    most = fits if device == "cuda" else min(fits, CPU_SHARD)
    most = min(most, machine.shard or most)
    return Site(store, device, workers, most, machine.checkpoint_s)


def _free_gpu_bytes() -> int:
    import torch

    return int(torch.cuda.mem_get_info()[0])


def memory_bytes(device: str, workers: int) -> int:
    """Memory one shard may use, measured where it will train."""
    if device == "cuda":
        measure: Any = ray.remote(num_gpus=1)
        return ray.get(measure(_free_gpu_bytes).remote())
    total = ray.cluster_resources().get("memory", psutil.virtual_memory().available)
    return int(total) // workers


def train(packs: list[Pack], site: Site, folder: Path, report: Report) -> None:
    """Train packs; returns when all are on disk.  Raises RuntimeError if one failed.

    ``folder``: where Ray Tune keeps its own state while it runs.
    """
    by_name = {pack.name: pack for pack in packs}
    bundle: dict[str, float] = {"CPU": 1.0}
    if site.device == "cuda":
        bundle["GPU"] = 1.0

    def resources(config: dict[str, Any]) -> PlacementGroupFactory:
        # the first bundle is the trial's own, which only waits
        actors = site.actors(by_name[config["pack"]])
        return PlacementGroupFactory([{}] + [bundle] * actors)

    trainable = tune.with_resources(
        tune.with_parameters(TrainPack, packs=by_name, site=site), resources
    )
    scratch = Path(tempfile.mkdtemp(prefix=".tune-", dir=folder))
    try:
        tuner = tune.Tuner(
            trainable,
            param_space={"pack": tune.grid_search(list(by_name))},
            tune_config=tune.TuneConfig(reuse_actors=True),
            run_config=tune.RunConfig(
                name="packs",
                storage_path=str(scratch.resolve()),
                verbose=0,
                callbacks=[_Heard(report)],
                failure_config=tune.FailureConfig(max_failures=RETRIES),
            ),
        )
        results = tuner.fit()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if results.errors:
        raise RuntimeError(f"training failed: {cause(results.errors[0])}")


def cause(error: BaseException) -> str:
    """The last line of what a worker raised; the lines before it are Ray's."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
