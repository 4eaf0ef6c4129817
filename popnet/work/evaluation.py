"""What happens to trained networks: tests and comparisons, as tasks over the store.

These are the bodies of the Ray tasks; each reads the store and adds one batch to it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from popnet.config import After
from popnet.engine.evaluate import evaluate, response
from popnet.engine.test_plan import tests_of
from popnet.plan import PlannedNetwork, digest
from popnet.store.parameters import params_of, stage_of
from popnet.store.store import Store
from popnet.work.activity import measure


class TestJob(NamedTuple):
    """Networks to be tested and which tests each still lacks."""

    __test__ = False

    networks: tuple[PlannedNetwork, ...]
    missing: tuple[tuple[str, ...], ...]


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
            state: params_of(stage_of(tensors[network.key], stage))
            for state, stage in (("untrained", "initial"), ("trained", "final"))
        }
        params = stages["trained"]
        config, seed = network.config, network.seed
        asked = [t for t in tests_of(after, config) if t.identity in missing]
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


test_networks.__test__ = False  # type: ignore[attr-defined]
