"""A finished sweep of many tiny networks, made up: a real store, no training.

    python tests/helpers/made_up_store.py OUT [NETWORKS]

writes OUT/many.yaml and the store OUT/runs/store, as if all were trained and tested;
``popnet launch OUT/many.yaml --out OUT/runs`` then has nothing to train.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from popnet.catalogue import CATALOGUE
from popnet.config import dump, load, read_text
from popnet.engine.test_plan import planned_tests
from popnet.plan import PHYSICS, PlannedNetwork, networks
from popnet.runs import Run, create_run
from popnet.store import Store
from popnet.store.store import digest

UNITS, SHARD, STEP = 32, 16, 20
EACH = 50  # networks of a condition


def sweep_of(count: int, name: str = "many", **changes: Any) -> dict[str, Any]:
    """A sweep of `count` networks: conditions of EACH, spreads from 0 up."""
    conditions = -(-count // EACH)
    return {
        "name": name,
        "seed": 7,
        "networks": min(count, EACH),
        "network": {"units": UNITS, "dt_s": 0.01, "tau_s": {"mean": 0.05}},
        "task": {"name": "dnms"},
        "rule": {"name": "reward_hebbian"},
        "train": {"trials": 1000, "until": {"accuracy": 0.95, "window": 100}},
        "grid": {
            "network.tau_s.spread": [round(0.002 * i, 3) for i in range(conditions)]
        },
        "after": {
            "trials": 1,
            "perturb": [{"name": "synaptic_jitter", "levels": [0, 0.1, 0.5]}],
            "other_tasks": ["dms"],
            "compare": [],
        },
        **changes,
    }


def planned_run(out: Path, sweep: dict[str, Any]) -> Run:
    """The folder of a sweep of which nothing is trained."""
    source = read_text(yaml.safe_dump(sweep))
    plan = load(source, CATALOGUE)
    return create_run(out, plan, dump(plan, source), {"command": ["popnet"]})


def train(store: Store, members: list[PlannedNetwork], at: float) -> None:
    """Record networks as trained; what they hold follows from their keys."""
    rows, curves, weights = [], [], {}
    for network in members:
        own = np.random.default_rng(int(network.key[:12], 16))
        met = int(own.integers(200, 1000))
        accuracy = float(own.random())
        rows.append({
            "key": network.key, "status": "converged", "trials": met,
            "trials_to_criterion": met, "final_error": 1 - accuracy,
            "final_accuracy": accuracy, "weight_change": float(own.random()),
            "spectral_radius": 1.5, "output_tau_s": None, "physics": PHYSICS,
            "settings": network.config.model_dump_json(), "recorded_at": at,
        })  # fmt: skip
        for trial in range(STEP, met + 1, STEP):
            so_far = trial / met
            curves.append({
                "key": network.key, "trial": trial,
                "error": 1 - accuracy * so_far, "accuracy": accuracy * so_far,
            })  # fmt: skip
        for stage in ("initial", "final"):
            for name, shape in (("recurrent", (UNITS, UNITS)), ("tau_s", (UNITS,))):
                values = own.normal(size=shape).astype(np.float32)
                weights[f"{network.key}/{stage}.{name}"] = values
    tables = {"networks": rows, "curves": curves}
    keys = [n.key for n in members]
    store.commit("networks", keys, tables, {"weights": weights})


def test(store: Store, members: list[PlannedNetwork], run: Run) -> None:
    """Record all tests of networks."""
    rows = []
    for network in members:
        own = np.random.default_rng(int(network.key[:12], 16) + 1)
        for asked in planned_tests(run.sweep.after, network.config):
            accuracy = float(own.random())
            rows.append({
                "key": network.key, "identity": asked.identity, "kind": asked.kind,
                "name": asked.name, "level": asked.level, "accuracy": accuracy,
                "flipped_accuracy": None, "error": 1 - accuracy, "trials": 4,
                "error_by_type": [1 - accuracy] * 4,
            })  # fmt: skip
    keys = [n.key for n in members]
    response = {f"{k}/response": np.zeros((2, 4), np.float32) for k in keys}
    what = digest(*keys)
    tensors = {"responses": response}
    store.commit("evaluations", keys, {"evaluations": rows}, tensors, what)


test.__test__ = False  # type: ignore[attr-defined]


def fill(run: Run, among: list[PlannedNetwork] | None = None) -> None:
    """Record networks as trained in shards, and tested four at a time."""
    among = run.networks if among is None else among
    for at in range(0, len(among), SHARD):
        members = among[at : at + SHARD]
        train(run.store, members, 1.79e9 + at)
        for job in range(0, len(members), 4):
            test(run.store, members[job : job + 4], run)


def whole_run(out: Path, count: int, **changes: Any) -> Run:
    """A sweep of `count` networks, all recorded; its tables are not made."""
    run = planned_run(out, sweep_of(count, **changes))
    fill(run)
    return run


if __name__ == "__main__":
    folder, count = Path(sys.argv[1]), int((sys.argv[2:] or [3400])[0])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "many.yaml").write_text(yaml.safe_dump(sweep_of(count)))
    made = whole_run(folder / "runs", count)
    assert len(networks(made.plan)) == count
