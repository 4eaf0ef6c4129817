"""Measures the activity of a recorded network: rows of the table ``dynamics``.

K trial types, T time steps, S stored steps, N units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.config import After
from popnet.core.cell import Params
from popnet.engine.activity import activity, in_bins, trajectory
from popnet.engine.test_plan import Asked
from popnet.measures import ActivitySeen, ChangeSeen, measured, number, recorded
from popnet.perturbations import resting
from popnet.plan import PlannedNetwork
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
    rest = {s: activity(resting(p, config), seed) for s, p in stages.items()}
    rows, measures = [], []
    for test in tests:
        rates_KTN = rest[test.kind]
        if test.name:
            situation = test.situation(stages[test.kind], config, seed)
            rates_KTN = activity(situation, seed)
        steps = -(-rates_KTN.shape[1] // BINS)
        seen = {
            "activity": ActivitySeen(rates_KTN, dt_s),
            "change": ChangeSeen(rest["trained"], rates_KTN, dt_s),
        }
        mine = [m for m in wanted if m.test and m.test.identity == test.identity]
        measures += measured_rows(network.key, mine, seen, steps)
        if test.identity in missing:
            about = {"key": network.key, "identity": test.identity, "state": test.kind}
            about |= {"name": test.name, "settings": test.settings}
            found = _numbers(seen, steps)
            rows.append(about | {"level": test.level, **found, "bin_s": steps * dt_s})
    if TRAJECTORIES not in missing:
        return ActivityRecords(rows, measures, {})
    trajectories = {s: trajectory(rates, dt_s) for s, rates in rest.items()}
    return ActivityRecords(rows, measures, trajectories)


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
