"""Compares recorded networks in pairs, and records what came out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from popnet.config import MetricSettings, NetworkConfig
from popnet.core.cell import closed
from popnet.metrics import METRICS, Subject
from popnet.plan import PHYSICS, canonical, digest, label
from popnet.store.parameters import params_of, stage_of
from popnet.store.store import Store


class Pair(NamedTuple):
    """Two networks to be compared, key_a < key_b."""

    key_a: str
    key_b: str


def metric_identity(settings: MetricSettings) -> str:
    """What a comparison is, as a hash."""
    return digest(str(PHYSICS), canonical(settings), size=8)


def compare_networks(
    folder: str,
    pairs: Sequence[Pair],
    configs: dict[str, NetworkConfig],
    settings: MetricSettings,
) -> int:
    """Compare pairs of networks by one metric and record it; returns how many."""
    store = Store(folder)
    keys = {key for pair in pairs for key in pair}
    weights = store.many_tensors(keys)
    responses = store.many_tensors(keys, "responses")
    kept = store.many_tensors(keys if settings.of_activity else (), "trajectories")
    subjects = {
        k: _subject(weights[k], responses[k], kept.get(k, {}), configs[k]) for k in keys
    }
    compare, identity = METRICS[settings.name].compare, metric_identity(settings)
    rows = [
        {
            "key_a": a,
            "key_b": b,
            "metric": label(settings),
            "identity": identity,
            "value": compare(settings, subjects[a], subjects[b]),
        }
        for a, b in pairs
    ]
    about = digest(identity, *(f"{a}{b}" for a, b in pairs))
    store.commit("comparisons", keys, {"comparisons": rows}, {}, about)
    return len(rows)


def _subject(
    weights: dict[str, NDArray[Any]],
    responses: dict[str, NDArray[Any]],
    kept: dict[str, NDArray[Any]],
    config: NetworkConfig,
) -> Subject:
    net = config.network
    fixed = set(net.clamped)
    if net.readout.kind == "unit":
        fixed.add(net.readout.unit)
    final, initial = (
        # the output fed back is one more way from unit to unit
        closed(params_of(stage_of(weights, stage))).w_PNN[0].float().numpy()
        for stage in ("final", "initial")
    )
    return Subject(
        final,
        responses["response"],
        tuple(sorted(fixed)),
        initial,
        kept.get("trained"),
        kept.get("untrained"),
    )
