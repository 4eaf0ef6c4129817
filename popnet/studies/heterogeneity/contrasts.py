"""Contrasts over tasks: what goes with the silence that their memory has to bridge.

A contrast weighs tasks.  The memory demand of a task is declared by its settings, in
seconds; here it is counted in the mean time constant of the networks.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from popnet.studies.heterogeneity.tasks import VERSIONS

SILENCE = 20.0
"""The memory demand, in time constants, that contrasts are scaled to: 0.6 s at 30 ms,
as in DNMS."""


def by_demand(demand: Mapping[str, float]) -> dict[str, float]:
    """Weights of the least-squares slope over the memory demand, times ``SILENCE``.

        w_t = SILENCE (d_t - mean d) / sum (d - mean d)^2

    Empty where all tasks demand alike.
    """
    values = np.array(list(demand.values()), float)
    if not values.size or np.ptp(values) == 0:
        return {}
    apart = values - values.mean()
    weights = SILENCE * apart / np.sum(apart**2)
    return dict(zip(demand, weights.tolist(), strict=True))


def by_version(tasks: Mapping[str, float]) -> dict[str, float]:
    """Weights of versions of one task, with a delay less without: a mean over pairs.

    Nothing but the silence differs between two versions.  Empty without a pair.
    """
    pairs = [(a, b) for a, b in VERSIONS.items() if a in tasks and b in tasks]
    weights: dict[str, float] = {}
    for delayed, plain in pairs:
        weights[delayed] = weights.get(delayed, 0.0) + 1 / len(pairs)
        weights[plain] = weights.get(plain, 0.0) - 1 / len(pairs)
    return weights
