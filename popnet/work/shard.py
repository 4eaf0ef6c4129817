"""Trains one shard of a pack on one device, checkpoints and records it.

This is the body of the shard actor; it reads the clock and the store and uses no Ray.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from popnet.engine.population import Population, leaves
from popnet.engine.train import Trained, advance, begin
from popnet.kernels import reproducible
from popnet.kernels.first_use import NotCompiled, compiling
from popnet.measures import measured, number
from popnet.plan import PHYSICS, TRIALS_AT_ONCE, PlannedNetwork, digest
from popnet.runs.columns import SCHEDULE
from popnet.store import checkpoints
from popnet.store.index import StoreError
from popnet.store.parameters import tensors_of
from popnet.store.shared_mark import sees
from popnet.store.store import Store
from popnet.work.measured import weights_seen
from popnet.work.shard_report import ShardReport

T = TypeVar("T")
STEPS = TRIALS_AT_ONCE
"""Learning steps between two readings of the clock."""
UNWRITABLE = (OSError, SafetensorError)
"""Errors that writing to a full, lost or read-only disk raises."""
PATIENCE_S = 900.0
"""How long a shard keeps in memory what it cannot write before it gives up."""


class Shard:
    """Trains one shard at a time; ``work`` returns a report after some seconds."""

    def __init__(
        self, store: str, device: str, checkpoint_s: float, mark: str = ""
    ) -> None:
        """``mark``: a mark that must be in the store.  Raises StoreError without it."""
        self.store = Store(store)
        if mark and not sees(self.store.backend, mark):
            where = platform.node()
            raise StoreError(f"machine {where} does not see the networks in {store}")
        self.device = torch.device(device)
        self.checkpoint_s = checkpoint_s
        self.name = ""
        self.populations: list[Population] = []
        self.finished: list[Trained] = []
        self.unwritable = ""
        self.written = time.monotonic()
        self.working = self.leaving = False
        if threading.current_thread() is threading.main_thread():
            # a machine that is taken back sends it, with seconds of grace
            signal.signal(signal.SIGTERM, self._on_sigterm)
        self.notes: tuple[str, ...] = ()

    def take(self, members: tuple[PlannedNetwork, ...]) -> None:
        """Take up networks, each from its checkpoint or untrained.

        Networks that a lost actor has recorded already are left out.
        """
        self.name = shard_name(m.key for m in members)
        recorded = self.store.recorded()
        members = tuple(m for m in members if m.key not in recorded)
        keys = [m.key for m in members]
        self.finished = []
        loaded = checkpoints.load(self.store.backend, keys)
        self.notes = loaded.notes
        saved = {
            key: {name: torch.from_numpy(array) for name, array in arrays.items()}
            for key, arrays in loaded.networks.items()
        }
        self.populations = begin(members, self.device, saved) if members else []
        self.last_checkpoint = time.monotonic()

    def work(
        self,
        seconds: float,
        members: tuple[PlannedNetwork, ...] | None = None,
        compiles: bool = True,
    ) -> ShardReport:
        """Train for about this long, then record what has finished.

        ``members``, if given, are a new shard to take up first.  With ``compiles``
        False it stops before a kernel would have to be compiled, so that the launch can
        report it first.
        """
        if members is not None:
            self.take(members)
        self.working = True
        trials, statuses, must_compile = self._train(seconds, compiles)
        recorded = self._try(self._record) or {}
        self.working = False
        if self.leaving:
            self._leave_now()
        done = not self.populations and not self.finished
        if done:
            checkpoints.drop(self.store.backend, self.name)
        elif not self.populations:
            time.sleep(min(seconds, 1.0))  # for room on the disk
        notes, self.notes = self.notes, ()
        return ShardReport(
            self.name, trials, dict(statuses), recorded, done, must_compile,
            self.unwritable, notes,
        )  # fmt: skip

    def _train(self, seconds: float, compiles: bool) -> tuple[int, Counter[str], bool]:
        """Train, one population after the other, and write checkpoints.

        Returns the trials trained, the networks finished by status, and whether it
        stopped since a kernel has to be compiled.
        """
        until = time.monotonic() + seconds
        trials, statuses = 0, Counter[str]()
        while self.populations and time.monotonic() < until and not self.leaving:
            population = self.populations[0]
            before = int(population.progress.trial_P.sum())
            advanced = _advanced(population, compiles)
            if advanced is None:
                return trials, statuses, True
            going, ended = advanced
            self.finished += ended
            self.populations[:1] = [] if going is None else [going]
            after = 0 if going is None else int(going.progress.trial_P.sum())
            trials += after - before + sum(t.trials for t in ended)
            statuses.update(t.status.value for t in ended)
            if time.monotonic() - self.last_checkpoint > self.checkpoint_s:
                self._try(self._checkpoint)
        return trials, statuses, False

    def _try(self, write: Callable[[], T]) -> T | None:
        """Return what ``write`` returns; None when the disk refuses it.

        Raises what the disk raised when nothing could be written for PATIENCE_S.
        """
        try:
            result = write()
        except UNWRITABLE as error:
            why = getattr(error, "strerror", None) or str(error)
            self.unwritable = f"{self.store.address} cannot be written: {why}"
            if time.monotonic() - self.written > PATIENCE_S:
                raise
            self.last_checkpoint = time.monotonic()
            return None
        self.unwritable, self.written = "", time.monotonic()
        return result

    def leave(self) -> None:
        """Record and checkpoint all networks; the actor ends afterwards."""
        self._try(self._record)
        self._try(self._checkpoint)

    def _on_sigterm(self, *_: object) -> None:
        self.leaving = True
        if not self.working:
            self._leave_now()

    def _leave_now(self) -> None:
        self.leave()
        os._exit(128 + signal.SIGTERM)

    def _record(self) -> dict[str, str]:
        """Put the finished networks on disk as one batch; returns their statuses."""
        statuses = {t.network.key: t.status.value for t in self.finished}
        if statuses:
            record(self.store, self.finished)
            self.finished = []
        return statuses

    def _checkpoint(self) -> None:
        """Save the networks still training."""
        checkpoints.save(self.store.backend, self.name, self.in_training())
        self.last_checkpoint = time.monotonic()

    def in_training(self) -> list[tuple[list[str], dict[str, NDArray[Any]]]]:
        """Return keys and stacked tensors of the networks that have begun to train."""
        return [
            (
                [m.key for m in population.members],
                {n: t.cpu().numpy() for n, t in leaves(population).items()},
            )
            for population in self.populations
            if int(population.progress.trial_P.sum()) > 0
        ]


def shard_name(keys: Iterable[str]) -> str:
    """Return the name of the shard of these networks, and of its checkpoint."""
    return digest("shard", *sorted(keys), size=8)


def _advanced(
    population: Population, compiles: bool
) -> tuple[Population | None, list[Trained]] | None:
    """Advance by some steps; None when a kernel would have to be compiled first."""
    try:
        with compiling(allowed=compiles):
            return advance(population, STEPS)
    except NotCompiled:
        return None


def record(store: Store, finished: list[Trained]) -> None:
    """Put trained networks into the store as one batch."""
    keys = tuple(t.network.key for t in finished)
    rows, curve, weights = [], [], {}
    now = time.time()
    for trained in finished:
        key = trained.network.key
        rows.append({**row_of(trained), "recorded_at": now})
        curve += curve_of(trained)
        for group in ("initial", "final"):
            for name, array in tensors_of(getattr(trained, group)).items():
                weights[f"{key}/{group}.{name}"] = array
    tables = {"networks": rows, "curves": curve}
    store.commit("networks", keys, tables, {"weights": weights})


def curve_of(trained: Trained) -> list[dict[str, object]]:
    """Return the rows of a network in the table ``curves``."""
    key = trained.network.key
    points = zip(
        trained.curve_trial_C, trained.curve_error_C, trained.curve_accuracy_C,
        strict=True,
    )  # fmt: skip
    return [
        {"key": key, "trial": int(t), "error": float(e), "accuracy": float(a)}
        for t, e, a in points
    ]


def row_of(trained: Trained) -> dict[str, object]:
    """Return the row of a network in the table ``networks``."""
    network = trained.network
    seen = weights_seen(trained.initial, trained.final, network.config.network)
    with reproducible():
        numbers = measured("weights", seen)
    return {
        "key": network.key,
        "status": trained.status.value,
        "trials": trained.trials,
        "trials_to_criterion": trained.trials_to_criterion,
        "final_error": trained.final_error,
        "final_accuracy": trained.final_accuracy,
        **{name: number(found) for name, found in numbers.items()},
        "physics": PHYSICS,
        "settings": network.config.model_dump_json(),
        **({SCHEDULE: schedule_of(network)} if network.earlier else {}),
    }


def schedule_of(network: PlannedNetwork) -> str:
    """Return, as JSON, the rule's settings that changed, each from a first trial."""
    begins = [0, *(until for until, _ in network.earlier)]
    configs = [*(config for _, config in network.earlier), network.config]
    rules = [config.rule.model_dump(mode="json") for config in configs]
    changed = [k for k in rules[0] if any(rule[k] != rules[0][k] for rule in rules)]
    return json.dumps(
        [
            {"from": trial} | {f"rule.{k}": rule[k] for k in changed}
            for trial, rule in zip(begins, rules, strict=True)
        ]
    )
