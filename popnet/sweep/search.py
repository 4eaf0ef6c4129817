"""Searches over conditions: Ray Tune's schedulers stop, its searchers choose.

One trial of Ray Tune is one condition: all its networks, in turns, in one process.  The
ledger in the run's folder lists what was tried.  When a search was killed, its
conditions are scored again from the store, which trains nothing twice.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from ray import tune
from ray.exceptions import RayActorError
from ray.tune import PlacementGroupFactory
from ray.tune.schedulers import (
    AsyncHyperBandScheduler,
    FIFOScheduler,
    MedianStoppingRule,
    TrialScheduler,
)

from popnet.config import (
    Asha,
    Law,
    MedianStopping,
    Optuna,
    Pbt,
    Search,
    Source,
)
from popnet.plan import networks
from popnet.runs import Run
from popnet.runs.search_ledger import DONE, RUNNING, STOPPED, Ledger
from popnet.seeding import philox_key
from popnet.sweep.interruption import Interruption
from popnet.sweep.lean_tune import lean_tune
from popnet.sweep.sealed import sealed
from popnet.sweep.search_pbt import TuneSetup, population_based
from popnet.sweep.search_trial import REACHED, SCORE, SearchContext, TrainCondition
from popnet.sweep.shard_actors import cause
from popnet.sweep.train_pack import PackSettings
from popnet.sweep.tune_packs import (
    RETRIES,
    LossCallback,
    OnResult,
    StopOnInterruption,
)
from popnet.work.condition import record_stopped

MODES = {"accuracy": "max", "error": "min"}


class LedgerCallback(LossCallback):
    """Writes the scores of conditions into the ledger and passes each result on."""

    def __init__(
        self, context: SearchContext, ledger: Ledger, on_result: OnResult
    ) -> None:
        super().__init__(on_result)
        self.context, self.ledger = context, ledger
        self.scheduler = context.sweep.search and context.sweep.search.scheduler

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Any],
        trial: Any,
        result: dict[str, Any],
        **info: Any,
    ) -> None:
        """Record a condition's score; it is stopped if ``done`` but not ``over``."""
        entry = self.ledger.begin(result["condition"], result["values"])
        reached, scores = result[REACHED], entry["reports"]
        if not scores or scores[-1]["trials"] < reached:
            score = {k: result[k] for k in (SCORE, "low", "high")}
            scores.append({"trials": reached, **score})
        if result["over"]:
            entry["state"] = DONE
        elif result["done"] and entry["state"] == RUNNING:
            self._stop(trial.config, entry)
        self.ledger.write()
        self.on_result(result)

    def _stop(self, config: dict[str, Any], entry: dict[str, Any]) -> None:
        """Record a stopped condition's networks, and then that it is stopped."""
        assert self.scheduler is not None
        store = Run(self.ledger.path.parent).store
        members, name = networks(self.context.plan_of(config)), self.scheduler.name
        if record_stopped(store, members, name):
            entry |= {"state": STOPPED, "scheduler": name}
        else:
            entry["state"] = DONE


def search(
    run: Run,
    source: Source,
    settings: PackSettings,
    on_result: OnResult,
    interruption: Interruption,
) -> None:
    """Search until the conditions asked for are done or stopped.

    Raises RuntimeError if one failed.
    """
    asked = run.sweep.search
    assert asked is not None
    errors = _tune(run, source, settings, on_result, interruption)
    for _ in range(RETRIES):
        if not errors or not all(isinstance(e, RayActorError) for e in errors):
            break
        # a process lost between two conditions: Ray Tune does not begin them again
        on_result({"lost": len(errors)})
        run = Run(run.folder)
        errors = _tune(run, source, settings, on_result, interruption)
    if errors:
        raise RuntimeError(f"a condition failed: {cause(errors[0])}")
    ledger = run.ledger
    assert ledger is not None
    ledger.finished = asked.chooser.conditions if asked.chooser else len(ledger.tried())
    ledger.write()


def _tune(
    run: Run,
    source: Source,
    settings: PackSettings,
    on_result: OnResult,
    interruption: Interruption,
) -> list[Exception]:
    """Search on from the ledger; returns the errors of Ray Tune's trials."""
    asked, ledger = run.sweep.search, run.ledger
    assert asked is not None and ledger is not None
    own = {n.condition for n in run.networks}
    ledger.conditions = {
        k: e for k, e in ledger.conditions.items() if e.get("condition", k) in own
    }
    if isinstance(asked.scheduler, Pbt):
        setup = population_based(run, source, settings, on_result, asked.scheduler)
        if not setup.context.members:  # all done when the launch was killed
            return []
    else:
        setup = _by_condition(run, source, settings, on_result)
    scratch = Path(tempfile.mkdtemp(prefix=".tune-", dir=run.folder))
    try:
        with interruption.deferred():
            stop = StopOnInterruption(interruption)
            tuner = _tuner(asked, settings, setup, scratch, stop)
            return list(tuner.fit().errors)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _by_condition(
    run: Run, source: Source, settings: PackSettings, on_result: OnResult
) -> TuneSetup:
    """Return the setup of independent conditions, which a scheduler may stop."""
    asked, ledger = run.sweep.search, run.ledger
    assert asked is not None and ledger is not None
    grid = tuple(c.values for c in run.plan.conditions) if not asked.searcher else ()
    context = SearchContext(source, run.sweep, grid, ledger.stopped(), settings, {})
    caps = [c.config.train.trials for c in (run.plan.corners or run.plan.conditions)]
    space, options = _space(asked, ledger, len(context.grid), run.sweep.seed)
    options |= {
        "scheduler": scheduler(asked, max(caps)),
        "max_concurrent_trials": settings.workers,
    }
    callback = LedgerCallback(context, ledger, on_result)
    return TuneSetup(TrainCondition, context, space, options, callback, checkpoints=1)


def _tuner(
    asked: Search,
    settings: PackSettings,
    setup: TuneSetup,
    scratch: Path,
    stop: tune.Stopper,
) -> tune.Tuner:
    """Return the tuner that trains each condition as one trial."""
    context = sealed(setup.context, settings.actor.packages)
    lean_tune()
    return tune.Tuner(
        tune.with_resources(
            tune.with_parameters(setup.trainable, context=context),
            PlacementGroupFactory([settings.actor.bundle]),
        ),
        param_space=setup.space,
        tune_config=tune.TuneConfig(
            metric=SCORE, mode=MODES[asked.metric], reuse_actors=True, **setup.options
        ),
        run_config=tune.RunConfig(
            name="conditions",
            storage_path=str(scratch.resolve()),
            verbose=0,
            stop=stop,
            callbacks=[setup.callback],
            failure_config=tune.FailureConfig(max_failures=RETRIES),
            checkpoint_config=tune.CheckpointConfig(
                num_to_keep=setup.checkpoints, checkpoint_frequency=1
            ),
        ),
    )


def scheduler(search: Search, cap: int) -> TrialScheduler:
    """Return Ray Tune's scheduler; ``cap``: trials of the longest training."""
    asked = search.scheduler
    if isinstance(asked, Asha):
        return AsyncHyperBandScheduler(
            time_attr=REACHED,
            max_t=cap,
            grace_period=search.grace,
            reduction_factor=asked.reduction,
            stop_last_trials=False,
        )
    if isinstance(asked, MedianStopping):
        return MedianStoppingRule(
            time_attr=REACHED,
            grace_period=search.grace,
            min_samples_required=asked.conditions,
        )
    return FIFOScheduler()


def _space(
    search: Search, ledger: Ledger, conditions: int, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the space that Ray Tune searches, and arguments of TuneConfig for it.

    A searcher begins with the conditions tried before and gets their scores again; the
    draws that follow do not repeat those of the earlier launch.
    """
    if not isinstance(search.searcher, Optuna):
        return {"condition": tune.grid_search(list(range(conditions)))}, {}
    import optuna
    from ray.tune.search.optuna import OptunaSearch

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    tried = [entry["values"] for entry in ledger.conditions.values()]
    key = philox_key(seed, "search", len(tried))
    searcher = OptunaSearch(
        {f"values/{p}": _distribution(law) for p, law in search.searcher.space.items()},
        metric=SCORE,
        mode=MODES[search.metric],
        points_to_evaluate=[{f"values/{p}": v for p, v in t.items()} for t in tried],
        sampler=optuna.samplers.TPESampler(
            n_startup_trials=search.searcher.random, seed=key % 2**32
        ),
    )
    return {}, {"search_alg": searcher, "num_samples": search.searcher.conditions}


def _distribution(law: Law) -> Any:
    """Return a law as Optuna's distribution."""
    import optuna.distributions as laws

    if law.values is not None:
        return laws.CategoricalDistribution(law.values)
    low, high = law.corners
    if law.law == "integer":
        return laws.IntDistribution(low, high)  # type: ignore[arg-type]
    log = law.law == "log_uniform"
    return laws.FloatDistribution(low, high, log=log)  # type: ignore[arg-type]
