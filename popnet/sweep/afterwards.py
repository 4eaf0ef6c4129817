"""What happens to trained networks: tests and comparisons, as tasks over the store.

These are the bodies of the Ray tasks; each reads the store and adds one batch to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from numpy.typing import NDArray

from popnet.analysis import METRICS, Subject
from popnet.config import After, MetricSettings, NetworkConfig
from popnet.core.cell import closed
from popnet.engine.battery import battery
from popnet.engine.evaluate import evaluate, response
from popnet.plan import PHYSICS, PlannedNetwork, canonical, digest, label
from popnet.records.store import Store
from popnet.records.tensors import params_of
from popnet.sweep.activity import measure


class TestJob(NamedTuple):
    """Networks to be tested and which tests each still lacks."""

    __test__ = False

    networks: tuple[PlannedNetwork, ...]
    missing: tuple[tuple[str, ...], ...]


class Pair(NamedTuple):
    """Two networks to be compared, key_a < key_b."""

    key_a: str
    key_b: str


def test_networks(folder: str, job: TestJob, after: After) -> tuple[str, ...]:
    """Run the missing tests of some networks and record them; returns their keys.

    Activity that is kept is a batch of its own, of those networks alone: which
    networks have it is asked of the index.
    """
    store = Store(folder)
    tensors = store.many_tensors(n.key for n in job.networks)
    rows: list[dict[str, Any]] = []
    moves: list[dict[str, Any]] = []
    responses: dict[str, NDArray[Any]] = {}
    kept: dict[str, NDArray[Any]] = {}
    for network, missing in zip(job.networks, job.missing, strict=True):
        stages = {
            state: params_of(_stage(tensors[network.key], stage))
            for state, stage in (("untrained", "initial"), ("trained", "final"))
        }
        params = stages["trained"]
        config, seed = network.config, network.seed
        asked = [t for t in battery(after, config) if t.identity in missing]
        for result in evaluate(params, config, seed, asked, after.trials):
            rows.append({"key": network.key, **result._asdict()})
        responses[f"{network.key}/response"] = response(params, config, seed)
        moved = measure(network, stages, missing, after)
        moves += moved.rows
        kept |= {f"{network.key}/{state}": t for state, t in moved.kept.items()}
    keys = [n.key for n in job.networks]
    what = digest(
        *(f"{k}{i}" for k, m in zip(keys, job.missing, strict=True) for i in m)
    )
    tables = {"evaluations": rows, "dynamics": moves}
    tables = {name: some for name, some in tables.items() if some}
    store.commit("evaluations", keys, tables, {"responses": responses}, what)
    if kept:
        of = {name.partition("/")[0] for name in kept}
        store.commit("trajectories", of, {}, {"trajectories": kept})
    return tuple(keys)


def _stage(tensors: dict[str, NDArray[Any]], stage: str) -> dict[str, NDArray[Any]]:
    group = f"{stage}."
    return {n[len(group) :]: a for n, a in tensors.items() if n.startswith(group)}


test_networks.__test__ = False  # type: ignore[attr-defined]


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
        closed(params_of(_stage(weights, stage))).w_PNN[0].float().numpy()
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
