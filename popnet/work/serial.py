"""Does the work of a run, one piece after the other in this process, without Ray.

The Python API trains with it, tests make their runs with it, and it shows in a few
lines what a launch does in parallel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

from popnet.engine.train import Trained, advance, begin
from popnet.plan import PlannedNetwork, packs
from popnet.runs import Run
from popnet.runs.tables import write_tables
from popnet.work import pending
from popnet.work.comparison import compare_networks, prepare_networks
from popnet.work.evaluation import test_networks
from popnet.work.shard import record

STEPS = 1000
"""Learning steps of a population between two reports of what has ended."""
AT_ONCE = 16
"""Networks that are recorded as one batch."""

OnEnded = Callable[[int], None]


def train(
    members: Iterable[PlannedNetwork],
    device: str = "cpu",
    on_ended: OnEnded = lambda _: None,
) -> dict[str, Trained]:
    """Train networks, each until its criterion or its cap; returns results by key.

    ``on_ended`` is called with the number of networks that have just ended.
    """
    done: dict[str, Trained] = {}
    for pack in packs(members):
        for population in begin(pack.networks, torch.device(device)):
            going = population
            while going is not None:
                going, ended = advance(going, STEPS)
                done |= {trained.network.key: trained for trained in ended}
                on_ended(len(ended))
    return done


def complete(run: Run, device: str = "cpu") -> None:
    """Train, test and compare what a run still lacks, and write its tables."""
    train_missing(run, device)
    test_missing(run)
    compare_missing(run)
    write_tables(run)


def train_missing(run: Run, device: str = "cpu") -> None:
    """Train the networks that are not recorded yet, and record them."""
    todo = pending.untrained(run)
    for first in range(0, len(todo), AT_ONCE):
        record(run.store, list(train(todo[first : first + AT_ONCE], device).values()))


def test_missing(run: Run) -> None:
    """Run the tests that recorded networks lack."""
    known = pending.statuses(run)
    for job in pending.test_jobs(run, known, known):
        test_networks(run.store.address, job, run.sweep.after)


test_missing.__test__ = False  # type: ignore[attr-defined]


def compare_missing(run: Run) -> None:
    """Compare the pairs of networks that are not compared yet."""
    known, address = pending.statuses(run), run.store.address
    configs = {network.key: network.config for network in run.networks}
    for settings, keys in pending.preparations(run, known):
        prepare_networks(address, {key: configs[key] for key in keys}, settings)
    for settings, pairs in pending.comparisons(run, known):
        compare_networks(address, pairs, configs, settings)
