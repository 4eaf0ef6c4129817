"""How a recorded network's activity moves: rows of the table ``dynamics``.

K trial types, T time steps, S stored steps, N units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from popnet.analysis import activity as trajectories
from popnet.config import After
from popnet.core.cell import Params
from popnet.engine.activity import activity, in_bins, trajectory
from popnet.engine.test_plan import dynamics
from popnet.perturbations import resting
from popnet.plan import PlannedNetwork

KEPT = "trajectories"
"""Asked of a network whose activity is kept, beside the identities of tests."""
BINS = 40
"""Points, at most, of what is told over the time of a trial."""

Rates = NDArray[np.float32]


class Moved(NamedTuple):
    """What was found of one network's activity."""

    rows: list[dict[str, Any]]
    kept: dict[str, NDArray[np.float16]]
    """Its trajectories [K, S, N], untrained and trained; empty unless asked for."""


def asked_of(network: PlannedNetwork, after: After) -> list[str]:
    """What is asked of a network's activity, besides the measurements."""
    return [KEPT] if after.keeps(network.seed.number) else []


def measure(
    network: PlannedNetwork,
    stages: Mapping[str, Params],
    missing: Sequence[str],
    after: After,
) -> Moved:
    """The missing measurements of one network; ``stages``: untrained and trained."""
    config, seed = network.config, network.seed
    asked = [t for t in dynamics(after, config) if t.identity in missing]
    if not asked and KEPT not in missing:
        return Moved([], {})
    dt_s = config.network.dt_s
    rest = {s: activity(resting(p, config), seed) for s, p in stages.items()}
    rows = []
    for test in asked:
        rates_KTN = rest[test.kind]
        if test.name:
            situation = test.situation(stages[test.kind], config, seed)
            rates_KTN = activity(situation, seed)
        about = {"key": network.key, "identity": test.identity, "state": test.kind}
        about |= {"name": test.name, "level": test.level}
        rows.append({**about, **_measures(rates_KTN, rest["trained"], dt_s)})
    if KEPT not in missing:
        return Moved(rows, {})
    return Moved(rows, {s: trajectory(rates, dt_s) for s, rates in rest.items()})


def _measures(rates_KTN: Rates, trained_KTN: Rates, dt_s: float) -> dict[str, Any]:
    """The measures of one activity, ``trained`` being the network's own at rest."""
    distance_T = trajectories.condition_distance_T(rates_KTN)
    steps = -(-len(distance_T) // BINS)
    return {
        "pca_dimension": trajectories.pca_dimension(rates_KTN),
        "participation_ratio": trajectories.participation_ratio(rates_KTN),
        "speed": trajectories.speed(rates_KTN, dt_s),
        "condition_distance": float(distance_T.mean()),
        "autocorrelation_s": trajectories.autocorrelation_s(rates_KTN, dt_s),
        "trajectory_change": trajectories.trajectory_change(trained_KTN, rates_KTN),
        "condition_distance_t": in_bins(distance_T, steps, axis=0).tolist(),
        "bin_s": steps * dt_s,
    }
