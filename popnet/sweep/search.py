"""Searches over conditions: Ray Tune's schedulers stop, its searchers choose.

One trial of Ray Tune is one condition: all its networks, in turns, in one process.  The
ledger in the run's folder says what was tried; a search that was killed is looked at
again from the store, condition by condition, which trains nothing twice.
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
from popnet.sweep.sealed import sealed
from popnet.sweep.search_pbt import TuneSetup, population_based
from popnet.sweep.search_trial import REACHED, SCORE, SearchContext, TrainCondition
from popnet.sweep.shard_actors import cause
from popnet.sweep.train_pack import TrainingSite
from popnet.sweep.tune_packs import RETRIES, Losses, Report, Stop
from popnet.work.condition import record_stopped

MODES = {"accuracy": "max", "error": "min"}


class _Heard(Losses):
    """Keeps the ledger, and passes each result on, in the launching process."""

    def __init__(self, brief: SearchContext, ledger: Ledger, report: Report) -> None:
        super().__init__(report)
        self.brief, self.ledger = brief, ledger
        self.scheduler = brief.sweep.search and brief.sweep.search.scheduler

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Any],
        trial: Any,
        result: dict[str, Any],
        **info: Any,
    ) -> None:
        """A condition was looked at; ``done`` without ``over``: it is stopped."""
        entry = self.ledger.begin(result["condition"], result["values"])
        reached, looks = result[REACHED], entry["reports"]
        if not looks or looks[-1]["trials"] < reached:
            score = {k: result[k] for k in (SCORE, "low", "high")}
            looks.append({"trials": reached, **score})
        if result["over"]:
            entry["state"] = DONE
        elif result["done"] and entry["state"] == RUNNING:
            self._stop(trial.config, entry)
        self.ledger.write()
        self.report(result)

    def _stop(self, config: dict[str, Any], entry: dict[str, Any]) -> None:
        """Record the networks first: a condition is stopped when the ledger says so."""
        assert self.scheduler is not None
        store = Run(self.ledger.path.parent).store
        members, name = networks(self.brief.plan_of(config)), self.scheduler.name
        if record_stopped(store, members, name):
            entry |= {"state": STOPPED, "scheduler": name}
        else:
            entry["state"] = DONE


def search(
    run: Run,
    source: Source,
    site: TrainingSite,
    report: Report,
    interruption: Interruption,
) -> None:
    """Search until the conditions asked for are done or stopped.

    Raises RuntimeError if one failed.
    """
    asked = run.sweep.search
    assert asked is not None
    errors = _searched(run, source, site, report, interruption)
    for _ in range(RETRIES):
        if not errors or not all(isinstance(e, RayActorError) for e in errors):
            break
        # a process lost between two conditions: Ray Tune does not begin them again
        report({"lost": len(errors)})
        run = Run(run.folder)
        errors = _searched(run, source, site, report, interruption)
    if errors:
        raise RuntimeError(f"a condition failed: {cause(errors[0])}")
    ledger = run.ledger
    assert ledger is not None
    ledger.finished = asked.chooser.conditions if asked.chooser else len(ledger.tried())
    ledger.write()


def _searched(
    run: Run,
    source: Source,
    site: TrainingSite,
    report: Report,
    interruption: Interruption,
) -> list[Exception]:
    """Search from where the ledger is; what went wrong."""
    asked, ledger = run.sweep.search, run.ledger
    assert asked is not None and ledger is not None
    own = {n.condition for n in run.networks}
    ledger.conditions = {
        k: e for k, e in ledger.conditions.items() if e.get("condition", k) in own
    }
    if isinstance(asked.scheduler, Pbt):
        way = population_based(run, source, site, report, asked.scheduler)
        if not way.brief.members:  # all done when the launch was killed
            return []
    else:
        way = _by_condition(run, source, site, report)
    scratch = Path(tempfile.mkdtemp(prefix=".tune-", dir=run.folder))
    try:
        with interruption.held():
            tuner = _tuner(asked, site, way, scratch, Stop(interruption))
            return list(tuner.fit().errors)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _by_condition(
    run: Run, source: Source, site: TrainingSite, report: Report
) -> TuneSetup:
    """Each condition for itself: a scheduler may stop it."""
    asked, ledger = run.sweep.search, run.ledger
    assert asked is not None and ledger is not None
    grid = tuple(c.values for c in run.plan.conditions) if not asked.searcher else ()
    brief = SearchContext(source, run.sweep, grid, ledger.stopped(), site, {})
    caps = [c.config.train.trials for c in (run.plan.corners or run.plan.conditions)]
    space, tuned = _asked(asked, ledger, len(brief.grid), run.sweep.seed)
    tuned |= {
        "scheduler": scheduler(asked, max(caps)),
        "max_concurrent_trials": site.workers,
    }
    heard = _Heard(brief, ledger, report)
    return TuneSetup(TrainCondition, brief, space, tuned, heard, kept=1)


def _tuner(
    asked: Search, site: TrainingSite, way: TuneSetup, scratch: Path, stop: Stop
) -> tune.Tuner:
    brief = sealed(way.brief, site.station.packages)
    return tune.Tuner(
        tune.with_resources(
            tune.with_parameters(way.trainable, brief=brief),
            PlacementGroupFactory([site.station.bundle]),
        ),
        param_space=way.space,
        tune_config=tune.TuneConfig(
            metric=SCORE, mode=MODES[asked.metric], reuse_actors=True, **way.tuned
        ),
        run_config=tune.RunConfig(
            name="conditions",
            storage_path=str(scratch.resolve()),
            verbose=0,
            stop=stop,
            callbacks=[way.heard],
            failure_config=tune.FailureConfig(max_failures=RETRIES),
            checkpoint_config=tune.CheckpointConfig(
                num_to_keep=way.kept, checkpoint_frequency=1
            ),
        ),
    )


def scheduler(search: Search, cap: int) -> TrialScheduler:
    """Ray Tune's scheduler of these settings; ``cap``: the longest training."""
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


def _asked(
    search: Search, ledger: Ledger, conditions: int, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What Ray Tune is to try: its space, and settings of its own.

    A searcher begins with the conditions tried before, which it hears of as they are
    looked at again; its own draws do not repeat those of that launch.
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
    """A law as Optuna's distribution."""
    import optuna.distributions as laws

    if law.values is not None:
        return laws.CategoricalDistribution(law.values)
    low, high = law.corners
    if law.law == "integer":
        return laws.IntDistribution(low, high)  # type: ignore[arg-type]
    log = law.law == "log_uniform"
    return laws.FloatDistribution(low, high, log=log)  # type: ignore[arg-type]
