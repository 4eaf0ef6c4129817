"""Measures the activity of a recorded network: rows of the table ``dynamics``.

B trials, K trial types, T time steps, S stored steps, N units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popnet.config import After
from popnet.core.cell import Params
from popnet.engine.activity import (
    aligned,
    in_bins,
    means_by_type,
    rates_of,
    trajectory,
)
from popnet.engine.evaluate import RESPONSE_TRIALS
from popnet.engine.test_plan import Asked
from popnet.measures import (
    ActivitySeen,
    ChangeSeen,
    Seen,
    TrialsSeen,
    measured,
    number,
    recorded,
)
from popnet.perturbations import Situation, resting
from popnet.plan import PlannedNetwork
from popnet.seeding import Seed
from popnet.work.measured import BINS, measured_rows

TRAJECTORIES = "trajectories"
"""Stands for stored activity among the identities of a network's tests."""

Rates = NDArray[np.float32]


class ActivityRecords(NamedTuple):
    """Records of one network's activity, table by table."""

    rows: list[dict[str, Any]]
    measures: list[dict[str, Any]]
    """Rows of the measures of activity in ``after.measures``."""
    trajectories: dict[str, Rates]
    """Trajectories [K, S, N], untrained and trained; empty unless asked for."""


def stored_activity(network: PlannedNetwork, after: After) -> list[str]:
    """Return TRAJECTORIES, in a list, when the network's activity is to be stored."""
    return [TRAJECTORIES] if after.keeps(network.seed.number) else []


def measure(
    network: PlannedNetwork,
    stages: Mapping[str, Params],
    missing: Sequence[str],
    asked: Asked,
) -> ActivityRecords:
    """Make the missing measurements of one network.

    ``stages``: its parameters, untrained and trained; ``missing``: identities.
    """
    config, seed = network.config, network.seed
    wanted = [m for m in asked.measures if m.test and m.identity in missing]
    needed = {m.test.identity for m in wanted if m.test}.union(missing)
    tests = [t for t in asked.dynamics if t.identity in needed]
    if not tests and TRAJECTORIES not in missing:
        return ActivityRecords([], [], {})
    dt_s = config.network.dt_s
    situations = {s: resting(p, config) for s, p in stages.items()}
    rest = {s: _ran(situation, seed) for s, situation in situations.items()}
    rows, measures = [], []
    for test in tests:
        ran = rest[test.kind]
        if test.name:
            situation = test.situation(stages[test.kind], config, seed)
            ran = _ran(situation, seed)
        steps = -(-ran.rates_BTN.shape[1] // BINS)
        seen = _seen(rest["trained"], ran)
        mine = [m for m in wanted if m.test and m.test.identity == test.identity]
        measures += measured_rows(network.key, mine, seen, steps)
        if test.identity in missing:
            about = {"key": network.key, "identity": test.identity, "state": test.kind}
            about |= {"name": test.name, "settings": test.settings}
            found = _numbers(seen, steps)
            rows.append(about | {"level": test.level, **found, "bin_s": steps * dt_s})
    if TRAJECTORIES not in missing:
        return ActivityRecords(rows, measures, {})
    trajectories = {s: trajectory(ran.rates_KTN, dt_s) for s, ran in rest.items()}
    return ActivityRecords(rows, measures, trajectories)


class _Ran(NamedTuple):
    """The activity of a network in one situation."""

    situation: Situation
    rates_BTN: Tensor
    rates_KTN: Rates


def _ran(situation: Situation, seed: Seed) -> _Ran:
    rates_BTN = rates_of(situation, seed, RESPONSE_TRIALS).to("cpu", torch.float32)
    return _Ran(situation, rates_BTN, means_by_type(rates_BTN, situation.task.types))


def _seen(rest: _Ran, ran: _Ran) -> dict[str, Seen]:
    """Return what measures see of activity, by the kind of data that they need."""
    dt_s = rest.situation.config.network.dt_s
    tasks = rest.situation.task, ran.situation.task
    rest_BTN = aligned(rest.rates_BTN, *tasks, dt_s)
    return {
        "activity": ActivitySeen(ran.rates_KTN, dt_s),
        "change": ChangeSeen(rest.rates_KTN, ran.rates_KTN, dt_s),
        "trials": TrialsSeen(rest_BTN.numpy(), ran.rates_BTN.numpy(), dt_s),
    }


def _numbers(seen: Mapping[str, Any], steps: int) -> dict[str, Any]:
    """Return what is recorded of every activity, in the order of the registry."""
    found = {
        n: v for needs, what in seen.items() for n, v in measured(needs, what).items()
    }
    return {
        name: in_bins(found[name], steps, axis=0).tolist()
        if entry.settings.over_time
        else number(found[name])
        for name, entry in recorded(*seen).items()
    }
