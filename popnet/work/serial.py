"""Does the work of a run, one piece after the other in this process, without Ray.

The Python API trains with it, tests make their runs with it, and it shows in a few
lines what a launch does in parallel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from popnet.core.cell import Params
from popnet.engine.population import leaves, started_from
from popnet.engine.train import Trained, advance, begin
from popnet.plan import PlannedNetwork, packs
from popnet.runs import Run
from popnet.runs.tables import write_tables
from popnet.status import Status
from popnet.work import pending
from popnet.work.comparison import compare_networks, prepare_networks
from popnet.work.evaluation import test_networks
from popnet.work.shard import record

STEPS = 1000
"""Learning steps of a population between two reports of what has ended."""
AT_ONCE = 16
"""Networks that are recorded as one batch."""

OnEnded = Callable[[int], None]
Leaves = Mapping[str, Tensor]
"""What a network needs to train on, see ``engine.population.leaves``."""


def train(
    members: Iterable[PlannedNetwork],
    device: str = "cpu",
    on_ended: OnEnded = lambda _: None,
    saved: Mapping[str, Leaves] | None = None,
    keep: bool = False,
) -> dict[str, Trained]:
    """Train networks, each until its criterion or its cap; returns results by key.

    ``on_ended`` is called with the number of networks that have just ended.  Those in
    ``saved`` go on from there; ``keep``: results hold what it takes to go on from them.
    """
    done: dict[str, Trained] = {}
    for pack in packs(members):
        for population in begin(pack.networks, torch.device(device), saved):
            going = population
            while going is not None:
                going, ended = advance(going, STEPS, keep)
                done |= {trained.network.key: trained for trained in ended}
                on_ended(len(ended))
    return done


class Begun(NamedTuple):
    """A network that is to train on."""

    network: PlannedNetwork
    before: Trained | None
    """Its training so far, with ``leaves``; None: it is at trial 0."""
    start: Params | None
    """Parameters set by hand, from which it begins at trial 0; None: those drawn."""


def train_on(
    begun: Sequence[Begun],
    device: str = "cpu",
    on_ended: OnEnded = lambda _: None,
) -> list[Trained]:
    """Train networks on until their criterion or cap, as if they had never stopped.

    Raises ConfigError when parameters set by hand are none of such a network.
    """
    # keys of this call alone: a network may stand here twice, or have none
    numbered = {str(i): one for i, one in enumerate(begun)}
    over = {
        key: one.before
        for key, one in numbered.items()
        if one.before is not None and one.before.status is Status.DIVERGED
    }
    saved: dict[str, Leaves] = {}
    for key, one in numbered.items():
        if one.start is not None:
            saved[key] = leaves(started_from(one.network, one.start))
        elif one.before is not None and one.before.leaves is not None:
            saved[key] = one.before.leaves
    left = [
        one.network._replace(key=key)
        for key, one in numbered.items()
        if key not in over
    ]
    on_ended(len(over))
    done = over | train(left, device, on_ended, saved, keep=True)
    return [_of(done[key], one) for key, one in numbered.items()]


def _of(trained: Trained, one: Begun) -> Trained:
    """Return a result as that of this network, with the parameters it began with."""
    initial = trained.initial if one.start is None else one.start
    if one.start is None and one.before is not None:
        initial = one.before.initial
    return trained._replace(network=one.network, initial=initial)


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
    networks = {network.key: network for network in run.networks}
    for settings, keys in pending.preparations(run, known):
        prepare_networks(address, {key: networks[key] for key in keys}, settings)
    for settings, pairs in pending.comparisons(run, known):
        compare_networks(address, pairs, networks, settings)
