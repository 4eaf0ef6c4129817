"""Runs packs through Ray Tune and hands on what they report."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
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
    machine: Machine, packs: list[Pack], store: Path, device: str, workers: int
) -> Site:
    """Where packs train, and how many networks a shard may hold in memory."""
    if device == "cuda":
        import torch

        memory = torch.cuda.mem_get_info()[0]
    else:
        memory = psutil.virtual_memory().available // workers
    fits = min(shard_capacity(p.networks[0].config, memory) for p in packs)
    most = fits if device == "cuda" else min(fits, CPU_SHARD)
    most = min(most, machine.shard or most)
    return Site(str(store.resolve()), device, workers, most, machine.checkpoint_s)


def train(packs: list[Pack], site: Site, out: Path, report: Report) -> None:
    """Train packs; returns when all are on disk.  Raises RuntimeError if one failed."""
    by_name = {pack.name: pack for pack in packs}
    bundle: dict[str, float] = {"CPU": 1.0}
    if site.device == "cuda":
        bundle["GPU"] = 1.0
    # the first bundle is the trial's own, which only waits
    resources = PlacementGroupFactory([{}] + [bundle] * site.workers)
    trainable = tune.with_resources(
        tune.with_parameters(TrainPack, packs=by_name, site=site), resources
    )
    scratch = Path(tempfile.mkdtemp(prefix=".tune-", dir=out))
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
        raise RuntimeError(f"training failed: {results.errors[0]}")
