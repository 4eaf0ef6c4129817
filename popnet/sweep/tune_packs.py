"""Runs packs through Ray Tune and passes their results on."""

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
from popnet.sweep.lean_tune import lean_tune
from popnet.sweep.same_code import code_here
from popnet.sweep.sealed import Packages, SealedNetwork, sealed_pack
from popnet.sweep.shard_actors import ActorSettings, cause
from popnet.sweep.train_pack import PackSettings, TrainPack

CPU_SHARD = 16
RETRIES = 30
"""Times that a pack is begun again because its machine was lost."""
OnResult = Callable[[dict[str, Any]], None]


class LossCallback(Callback):
    """Reports that a trial was lost with its process or machine, and is begun again."""

    def __init__(self, on_result: OnResult) -> None:
        self.on_result = on_result

    def on_trial_recover(
        self, iteration: int, trials: list[Any], trial: Any, **info: Any
    ) -> None:
        """Report one loss when a trial is begun again."""
        self.on_result({"lost": 1})

    def __getstate__(self) -> dict[str, Any]:
        """Return nothing for the copy that Ray Tune keeps on disk and nobody reads.

        ``on_result`` may hold a terminal or a lock, which cannot be copied.
        """
        return {}


class ResultCallback(LossCallback):
    """Passes each result of a pack on, in the launching process."""

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Any],
        trial: Any,
        result: dict[str, Any],
        **info: Any,
    ) -> None:
        """Pass on the result of a step."""
        self.on_result(result)


def pack_settings(
    machine: Machine,
    packs: list[Pack],
    store: str,
    device: str,
    workers: int,
    mark: str,
    packages: Packages = (),
) -> PackSettings:
    """Return the settings of packs; asks Ray how many networks fit into memory."""
    fits = min(
        shard_capacity(p.networks[0].config, memory_bytes(device, workers), device)
        for p in packs
    )
    most = fits if device == "cuda" else min(fits, CPU_SHARD)
    most = min(most, machine.shard or most)
    actor = ActorSettings(
        store, device, machine.checkpoint_s, mark, packages, code_here()
    )
    return PackSettings(actor, workers, machine.workers, most)


def _free_gpu_bytes() -> int:
    import torch

    return int(torch.cuda.mem_get_info()[0])


def memory_bytes(device: str, workers: int) -> int:
    """Return the memory that one shard may use, measured where it will train."""
    if device == "cuda":
        measure: Any = ray.remote(num_gpus=1)
        return ray.get(measure(_free_gpu_bytes).remote())
    total = ray.cluster_resources().get("memory", psutil.virtual_memory().available)
    return int(total) // workers


class StopOnInterruption(tune.Stopper):
    """Ends training when the launch is interrupted."""

    def __init__(self, interruption: Interruption) -> None:
        self.interruption = interruption

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Return False: no single pack is ended."""
        return False

    def stop_all(self) -> bool:
        """Return whether to end all packs; each saves its networks first."""
        return self.interruption.requested


def train(
    packs: list[Pack],
    settings: PackSettings,
    on_result: OnResult,
    interruption: Interruption,
) -> None:
    """Train packs; returns when all are on disk.  Raises RuntimeError if one failed.

    Ray Tune's own state, which nothing is read from, goes to this machine's temporary
    folder: a full disk under the runs must not end a launch.
    """
    by_name = {pack.name: sealed_pack(pack) for pack in packs}
    failures: list[str] = []

    def collect(result: dict[str, Any]) -> None:
        if "failed" in result:
            failures.append(result["failed"])
        on_result(result)

    scratch = Path(tempfile.mkdtemp(prefix="popnet-tune-"))
    callback, stop = ResultCallback(collect), StopOnInterruption(interruption)
    try:
        tuner = _tuner(by_name, settings, scratch, callback, stop)
        with interruption.deferred():
            results = tuner.fit()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    failures += [cause(error) for error in results.errors]
    if failures:
        raise RuntimeError(f"training failed: {failures[0]}")


def _tuner(
    packs: dict[str, Pack[SealedNetwork]],
    settings: PackSettings,
    scratch: Path,
    callback: Callback,
    stop: tune.Stopper,
) -> tune.Tuner:
    """Return the tuner that trains each pack as one trial."""
    # the first bundle is the trial's, which only waits; the second its first actor's
    resources = PlacementGroupFactory([{}, settings.actor.bundle])
    lean_tune()
    trainable = tune.with_parameters(TrainPack, packs=packs, settings=settings)
    return tune.Tuner(
        tune.with_resources(trainable, resources),
        param_space={"pack": tune.grid_search(list(packs))},
        tune_config=tune.TuneConfig(reuse_actors=True),
        run_config=tune.RunConfig(
            name="packs",
            storage_path=str(scratch.resolve()),
            verbose=0,
            stop=stop,
            callbacks=[callback],
            failure_config=tune.FailureConfig(max_failures=RETRIES),
        ),
    )
