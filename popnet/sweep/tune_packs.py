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
from popnet.sweep.interruption import Interruption
from popnet.sweep.sealed import Packages, sealed_pack
from popnet.sweep.shard_actors import ActorSettings, cause
from popnet.sweep.train_pack import TrainingSite, TrainPack

CPU_SHARD = 16
RETRIES = 30
"""Times that a pack is begun again because its machine was lost."""
Report = Callable[[dict[str, Any]], None]


class Losses(Callback):
    """Says that a trial was lost with its process or machine, and is begun again."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def on_trial_recover(
        self, iteration: int, trials: list[Any], trial: Any, **info: Any
    ) -> None:
        """A trial is begun again."""
        self.report({"lost": 1})

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Ray Tune keeps a copy on disk, from which nothing is read.

        What listens may hold a terminal or a lock, which cannot be copied.
        """
        return {}


class _Heard(Losses):
    """Passes each result of a pack on, in the launching process."""

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
    machine: Machine,
    packs: list[Pack],
    store: str,
    device: str,
    workers: int,
    mark: str,
    packages: Packages = (),
) -> TrainingSite:
    """Where packs train, and how many networks a shard may hold in memory."""
    fits = min(
        shard_capacity(p.networks[0].config, memory_bytes(device, workers), device)
        for p in packs
    )
    most = fits if device == "cuda" else min(fits, CPU_SHARD)
    most = min(most, machine.shard or most)
    station = ActorSettings(store, device, machine.checkpoint_s, mark, packages)
    return TrainingSite(station, workers, machine.workers, most)


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


class Stop(tune.Stopper):
    """Ends training when the launch was told to stop."""

    def __init__(self, interruption: Interruption) -> None:
        self.interruption = interruption

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """No single pack is ended."""
        return False

    def stop_all(self) -> bool:
        """Whether to end them all; each saves its networks first."""
        return self.interruption.asked


def train(
    packs: list[Pack], site: TrainingSite, report: Report, interruption: Interruption
) -> None:
    """Train packs; returns when all are on disk.  Raises RuntimeError if one failed.

    Ray Tune's own state, which nothing is read from, goes to this machine's temporary
    folder: a full disk under the runs must not end a launch.
    """
    by_name = {pack.name: sealed_pack(pack) for pack in packs}
    failures: list[str] = []

    def heard(result: dict[str, Any]) -> None:
        if "failed" in result:
            failures.append(result["failed"])
        report(result)

    # the first bundle is the trial's, which only waits; the second its first actor's
    resources = PlacementGroupFactory([{}, site.station.bundle])
    trainable = tune.with_resources(
        tune.with_parameters(TrainPack, packs=by_name, site=site), resources
    )
    scratch = Path(tempfile.mkdtemp(prefix="popnet-tune-"))
    try:
        tuner = tune.Tuner(
            trainable,
            param_space={"pack": tune.grid_search(list(by_name))},
            tune_config=tune.TuneConfig(reuse_actors=True),
            run_config=tune.RunConfig(
                name="packs",
                storage_path=str(scratch.resolve()),
                verbose=0,
                stop=Stop(interruption),
                callbacks=[_Heard(heard)],
                failure_config=tune.FailureConfig(max_failures=RETRIES),
            ),
        )
        with interruption.held():
            results = tuner.fit()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    failures += [cause(error) for error in results.errors]
    if failures:
        raise RuntimeError(f"training failed: {failures[0]}")
