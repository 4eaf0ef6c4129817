"""A run that was never trained: the tables of popnet.runs, made from formulas."""

from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from popnet.config import After

NETWORKS = [
    "key", "condition", "label", "index", "seed", "status", "trials",
    "trials_to_criterion", "final_error", "final_accuracy", "accuracy", "error",
    "weight_change", "spectral_radius", "physics", "recorded_at", "weights_file",
]  # fmt: skip
CURVES = ["key", "trial", "error", "accuracy"]
EVALUATIONS = [
    "key", "kind", "name", "settings", "level", "accuracy", "flipped_accuracy", "error",
    "trials", "error_by_type",
]  # fmt: skip
COMPARISONS = ["key_a", "key_b", "metric", "settings", "value"]
PERTURBATIONS = {
    ("synaptic_jitter", '{"mode": "relative"}'): [0, 0.02, 0.05, 0.1, 0.2, 0.5],
    ("time_constants", "{}"): [0, 0.1, 0.2, 0.4, 0.6, 0.8],
    ("initial_state", "{}"): [0, 0.1, 0.2, 0.5, 1, 2],
    ("impulses", "{}"): [0, 1, 3, 10, 30, 100],
    ("epoch_durations", '{"epoch": "delay"}'): [-0.5, -0.25, 0, 0.25, 0.5, 1],
}
MADE = {
    "popnet": "0.1.0",
    "physics": 1,
    "versions": {"python": "3.11.2", "torch": "2.13.0"},
    "machine": {"cpu": "two cores", "gpu": None},
    "command": ["popnet", "launch", "configs/quickstart.yaml"],
    "git": {"commit": "0" * 40, "dirty": False},
    "launches": [{"started": "first"}, {"started": "second"}],
}
TASKS = {"dnms": 0.97, "dms": 0.04, "delayed_response": 0.55}


@dataclass
class FakeRun:
    """What popnet.runs.Run offers, with tables that tests may replace."""

    out: Path
    name: str = "tau-spread-dnms"
    varied: list[str] = field(default_factory=lambda: ["network.tau_s.spread"])
    sweep: SimpleNamespace = field(default_factory=SimpleNamespace)
    networks: pd.DataFrame = field(default_factory=pd.DataFrame)
    curve_rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    evaluation_rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    comparison_rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    made: dict = field(default_factory=dict)
    asked: int = 0

    @property
    def folder(self) -> Path:
        return self.out / self.name

    def table(self):
        return self.networks

    def curves(self):
        return self.curve_rows

    def evaluations(self):
        return self.evaluation_rows

    def comparisons(self):
        return self.comparison_rows

    def provenance(self):
        return self.made

    def planned(self):
        return self.asked


def _hex(*names: object, size: int) -> str:
    return blake2b(repr(names).encode(), digest_size=size).hexdigest()


def _network(axes, values, index, rng, cap):
    label = ", ".join(
        f"{path.split('.')[-1]}={v}" for path, v in zip(axes, values, strict=True)
    )
    reached = int(np.clip(rng.lognormal(np.log(900), 0.5), 220, cap - 50))
    row = {
        "key": _hex(values, index, size=10),
        "condition": _hex(values, size=5),
        "label": label,
        "index": index,
        "seed": index,
        "status": "converged",
        "trials": reached,
        "trials_to_criterion": reached,
        "final_error": 0.2,
        "final_accuracy": 0.95,
        "accuracy": float(np.clip(rng.normal(0.965, 0.015), 0, 1)),
        "error": 0.2,
        "weight_change": float(rng.normal(0.31, 0.05)),
        "spectral_radius": float(rng.normal(1.72, 0.08)),
        "physics": 1,
        "recorded_at": 1.8e9 + index,
        "weights_file": "weights/batch.safetensors",
        "network.units": 200,
        "network.gain": 1.5,
        "task.name": "dnms",
        "rule.name": "reward_hebbian",
        "train.trials": cap,
        "train.until.accuracy": 0.95,
    }
    return row | dict(zip(axes, values, strict=True))


def _curve(row, rng, block=50):
    ends = [*range(block, row["trials"], block), row["trials"]]
    for end in ends:
        error = 0.16 + 0.9 / (1 + (end / (0.55 * row["trials"])) ** 3)
        if row["status"] == "unconverged":
            error = 0.62 + 0.4 * np.exp(-end / 900)
        if row["status"] == "diverged":
            error = 1.0 + (end / 700) ** 6
        error *= rng.normal(1, 0.05)
        yield row["key"], end, error, float(np.clip(1.1 - error / 1.9, 0, 1))


def _evaluations(row, rng):
    spread = float(row.get("network.tau_s.spread", 0))
    top = row["accuracy"]
    for name, mean in TASKS.items():
        accuracy = float(np.clip(rng.normal(mean, 0.02), 0, 1))
        accuracy = top if name == "dnms" else accuracy
        yield row["key"], "task", name, "{}", 0.0, accuracy, 1 - accuracy
    for (name, settings), levels in PERTURBATIONS.items():
        strength = {"synaptic_jitter": 1.6, "time_constants": 0.25}
        for level in levels:
            far = abs(level) / max(levels) * strength.get(name, 0.8) * (1.25 - spread)
            fall = (top - 0.5) * np.exp(-2.2 * far**1.5)
            accuracy = 0.5 + fall + (rng.normal(0, 0.2 * far) if level else 0.0)
            accuracy = float(np.clip(accuracy, 0, 1))
            entry = "perturbation", name, settings
            yield row["key"], *entry, float(level), accuracy, 1 - accuracy


def _comparisons(table, rng):
    rows = list(table.itertuples())
    for i, a in enumerate(rows):
        for b in rows[i + 1 :]:
            apart = 0.22 * (a.condition != b.condition) - 0.12 * (a.index == b.index)
            yield a.key, b.key, "behaviour", "{}", abs(rng.normal(0.35 + apart, 0.05))
            yield a.key, b.key, "weights", "{}", abs(rng.normal(1.2 + apart, 0.06))


@pytest.fixture(scope="session")
def fake_run():
    """The function that makes a run in a folder, for fixtures of wider scope."""
    return make_fake_run


@pytest.fixture
def make_run(tmp_path):
    """A factory of runs: axes of the grid, networks per condition, failures."""

    def make(grid=None, networks=6, failed=None, cap=4000, seed=11, **more) -> FakeRun:
        return make_fake_run(
            tmp_path / "runs", grid, networks, failed, cap, seed, **more
        )

    return make


def _rows(grid, networks, failed, cap, rng):
    rows = []
    for number, values in enumerate(product(*grid.values())):
        for index in range(networks):
            row = _network(list(grid), values, index, rng, cap)
            row["status"] = failed.get((number, index), "converged")
            if row["status"] != "converged":
                row["trials_to_criterion"] = None
                row["accuracy"] = 0.61 if row["status"] == "unconverged" else None
                row["trials"] = cap if row["status"] == "unconverged" else 1350
            rows.append(row)
    return rows


def _table(rows):
    table = pd.DataFrame(rows, columns=None if rows else NETWORKS)
    if rows:
        table["trials_to_criterion"] = table["trials_to_criterion"].astype("Int64")
        table["accuracy"] = table["accuracy"].astype(float)
    return table


def _sweep(networks, cap):
    return SimpleNamespace(
        after=After(),
        networks=networks,
        seed=7,
        network=SimpleNamespace(units=200),
        task=SimpleNamespace(name="dnms"),
        rule=SimpleNamespace(name="reward_hebbian"),
        train=SimpleNamespace(trials=cap),
    )


def make_fake_run(out, grid=None, networks=6, failed=None, cap=4000, seed=11, **more):
    """`failed`: (number of condition, index) -> status."""
    grid = {"network.tau_s.spread": [0.0, 0.4, 0.8]} if grid is None else grid
    failed = failed or {}
    rng = np.random.default_rng(seed)
    rows = _rows(grid, networks, failed, cap, rng)
    table = _table(rows)
    alive = [row for row in rows if row["status"] != "diverged"]
    evaluations = [
        (*found, 0.3, 100, [0.3] * 4)
        for row in alive
        for found in _evaluations(row, rng)
    ]
    run = FakeRun(
        out=Path(out),
        varied=list(grid),
        sweep=_sweep(networks, cap),
        networks=table,
        curve_rows=pd.DataFrame(
            [point for row in rows for point in _curve(row, rng)], columns=CURVES
        ),
        evaluation_rows=pd.DataFrame(evaluations, columns=EVALUATIONS),
        comparison_rows=pd.DataFrame(
            _comparisons(table[table["status"] != "diverged"], rng) if rows else [],
            columns=COMPARISONS,
        ),
        made=MADE,
        asked=len(rows),
    )
    for name, value in more.items():
        setattr(run, name, value)
    run.folder.mkdir(parents=True, exist_ok=True)
    text = "# Does spread matter?\nname: tau-spread-dnms\nseed: 7\nnetworks: 6\n"
    text += "network: {units: 200, gain: 1.5}\ntask: {name: dnms}\n"
    (run.folder / "sweep.yaml").write_text(text)
    return run
