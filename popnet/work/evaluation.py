"""Tests and measures trained networks, and records the results.

These are the bodies of the Ray tasks; each reads the store and adds one batch to it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from popnet.config import After
from popnet.engine.evaluate import evaluate, response
from popnet.engine.test_plan import TestPlan
from popnet.measures import CurveSeen
from popnet.plan import PlannedNetwork, digest
from popnet.store.parameters import params_of, stage_of
from popnet.store.store import Store
from popnet.work.activity import measure
from popnet.work.measured import (
    choices_seen,
    curves_seen,
    measured_rows,
    network_seen,
    weights_seen,
)


class TestJob(NamedTuple):
    """Networks to be tested, and the identities of the tests that each still lacks."""

    __test__ = False

    networks: tuple[PlannedNetwork, ...]
    missing: tuple[tuple[str, ...], ...]


class _Records(NamedTuple):
    """Results of the tests of some networks, table by table."""

    evaluations: list[dict[str, Any]]
    dynamics: list[dict[str, Any]]
    measures: list[dict[str, Any]]
    responses: dict[str, NDArray[Any]]
    trajectories: dict[str, NDArray[Any]]


def test_networks(folder: str, job: TestJob, after: After) -> tuple[str, ...]:
    """Run the missing tests of some networks and record them; returns their keys.

    Stored activity is a batch of its own, of those networks alone, so that the index
    says which networks have it.
    """
    store, plan = Store(folder), TestPlan(after)
    tensors = store.many_tensors(n.key for n in job.networks)
    curves: dict[str, CurveSeen] = {}
    if any(m.needs == "curve" for m in after.measures):
        curves = curves_seen(store, job.networks)
    records = _Records([], [], [], {}, {})
    for network, missing in zip(job.networks, job.missing, strict=True):
        key = network.key
        _test(records, plan, network, missing, after.trials, tensors[key], curves)
    keys = [n.key for n in job.networks]
    what = digest(
        *(f"{k}{i}" for k, m in zip(keys, job.missing, strict=True) for i in m)
    )
    tables = {
        "evaluations": records.evaluations,
        "dynamics": records.dynamics,
        "measures": records.measures,
    }
    tables = {name: rows for name, rows in tables.items() if rows}
    store.commit("evaluations", keys, tables, {"responses": records.responses}, what)
    if records.trajectories:
        of = {name.partition("/")[0] for name in records.trajectories}
        store.commit("trajectories", of, {}, {"trajectories": records.trajectories})
    return tuple(keys)


test_networks.__test__ = False  # type: ignore[attr-defined]


def _test(
    records: _Records,
    plan: TestPlan,
    network: PlannedNetwork,
    missing: tuple[str, ...],
    trials: int,
    tensors: dict[str, NDArray[Any]],
    curves: dict[str, CurveSeen],
) -> None:
    """Put one network through its missing tests."""
    config, seed, key = network.config, network.seed, network.key
    stages = {
        state: params_of(stage_of(tensors, stage))
        for state, stage in (("untrained", "initial"), ("trained", "final"))
    }
    params, asked = stages["trained"], plan.asked(config)
    tests = [t for t in asked.tests if t.identity in missing]
    for result in evaluate(params, config, seed, tests, trials):
        records.evaluations.append({"key": key, **result._asdict()})
    records.responses[f"{key}/response"] = response(params, config, seed)
    activity = measure(network, stages, missing, asked)
    records.dynamics.extend(activity.rows)
    for state, array in activity.trajectories.items():
        records.trajectories[f"{key}/{state}"] = array
    records.measures.extend(activity.measures)
    wanted = [m for m in asked.measures if not m.test and m.identity in missing]
    if wanted:
        initial = stages["untrained"]
        weights = weights_seen(initial, params, config.network)
        whole = network_seen(network, initial, params)
        seen: dict[str, Any] = {
            "weights": weights, "curve": curves.get(key), "network": whole,
        }  # fmt: skip
        if any(m.settings.needs == "choices" for m in wanted):
            seen["choices"] = choices_seen(network, params)
        records.measures.extend(measured_rows(key, wanted, seen))
