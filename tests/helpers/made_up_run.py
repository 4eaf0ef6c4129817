"""A recorded run, made up, and what MLflow holds of it."""

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

from popnet.config import After
from popnet.tracking import client

SETTINGS = {
    "network.units": 200,
    "network.gain": 1.5,
    "network.tau_s.mean": 0.03,
    "network.tau_s.law": "uniform",
    "task.name": "dnms",
    "train.trials": 4000,
    "train.until.accuracy": None,
    "after.levels": [0, 0.1],
}

TAU = "network.tau_s.spread"


@dataclass
class FakeRun:
    """A recorded run, made up: `spreads` x `each` networks."""

    out: Path
    name: str = "spread"
    spreads: tuple[float, ...] = (0.0, 0.2)
    each: int = 2
    evaluated: bool = True
    varied: list[str] = field(default_factory=lambda: [TAU])

    def __post_init__(self) -> None:
        self.folder = self.out / self.name
        (self.folder / "report" / "figures").mkdir(parents=True, exist_ok=True)
        (self.folder / "sweep.yaml").write_text(f"name: {self.name}\n")
        (self.folder / "report" / "figures" / "curves.png").write_bytes(b"a figure")
        self.sweep = SimpleNamespace(networks=self.each, after=After())

    def planned(self) -> int:
        return len(self.spreads) * self.each

    def keys(self) -> list[str]:
        return [f"{round(s * 10):x}{i:019x}" for s in self.spreads for i in self.nth()]

    def nth(self) -> range:
        return range(self.each)

    def table(self) -> pd.DataFrame:
        rows = [
            {
                "key": f"{round(spread * 10):x}{index:019x}",
                "condition": f"{round(spread * 10):010x}",
                "label": f"spread={spread}",
                "index": index,
                "seed": 7,
                "status": "diverged" if spread and index == 1 else "converged",
                "trials": 1000 + index,
                "trials_to_criterion": pd.NA if spread and index == 1 else 1000 + index,
                "final_error": float("nan") if spread and index == 1 else 0.1,
                "final_accuracy": 0.95,
                "accuracy": 0.9 if self.evaluated else None,
                "weight_change": 0.5,
                "spectral_radius": float("inf") if spread and index == 1 else 1.6,
                "recorded_at": 1.79e9 + index + 100 * spread,
                "weights_file": "weights/batch.safetensors",
                **SETTINGS,
                TAU: spread,
            }
            for spread in self.spreads
            for index in self.nth()
        ]
        frame = pd.DataFrame(rows)
        if rows:
            whole = frame["trials_to_criterion"].astype("Int64")
            frame["trials_to_criterion"] = whole
        return frame

    def curves(self) -> pd.DataFrame:
        rows = [
            (key, 50 * block, 1 / block, 1 - (0.5 + int(key[-1]) ** 2 / 100) / block)
            for key in self.keys()
            for block in range(1, 24 - 3 * int(key[-1]))
        ]
        return pd.DataFrame(rows, columns=["key", "trial", "error", "accuracy"])

    def evaluations(self) -> pd.DataFrame:
        jitter = "synaptic_jitter", '{"mode": "relative"}'
        rows = [("task", "dnms", "{}", 0.0, 0.95), ("task", "dms", "{}", 0.0, 0.25)]
        levels = ((0, 1.0), (0.1, 0.75), (1, 0.5))
        rows += [("perturbation", *jitter, *level) for level in levels]
        known = [(key, *row) for key in self.keys() for row in rows if self.evaluated]
        columns = ["key", "kind", "name", "settings", "level", "accuracy"]
        return pd.DataFrame(known, columns=columns)

    def network(self, key: str) -> SimpleNamespace:
        generator = np.random.default_rng(int(key, 16) % 1000)
        weights = generator.normal(size=(5, 7)).astype(np.float32)
        tau_s = generator.random(5)
        tau_s[0] = np.nan
        return SimpleNamespace(
            initial={"w": weights.T, "tau_s": tau_s, "step": np.array(3)},
            final={"w": weights[:, ::2], "tau_s": tau_s, "on": tau_s > 0.5},
        )


def fake(out: Path, **changes: Any) -> Any:
    return FakeRun(out, **changes)


def client_of(out: Path) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(client.embedded_uri(out))


def active(out: Path, kind: str = "network", name: str = "spread") -> dict[str, Any]:
    """The active MLflow runs of a kind by their key; none may be there twice."""
    client = client_of(out)
    experiment = client.get_experiment_by_name(name)
    found = client.search_runs(
        [experiment.experiment_id], f"tags.`popnet.kind` = '{kind}'"
    )
    keys = [run.data.tags["popnet.key"] for run in found]
    assert len(keys) == len(set(keys)), f"twice: {sorted(keys)}"
    return dict(zip(keys, found, strict=True))


def points(out: Path, run: Any, name: str) -> list[tuple[int, float]]:
    history = client_of(out).get_metric_history(run.info.run_id, name)
    return sorted((point.step, point.value) for point in history)


def check_whole(out: Path, run: Any) -> None:
    """Every network is there once, with its metrics once, its parents, its weights."""
    networks, conditions = active(out), active(out, "condition")
    (sweep,) = active(out, "sweep").values()
    assert sorted(networks) == sorted(run.keys())
    assert len(conditions) == len(run.spreads)
    for key, network in networks.items():
        condition = conditions[network.data.tags["popnet.condition"]]
        assert network.data.tags["mlflow.parentRunId"] == condition.info.run_id
        assert condition.data.tags["mlflow.parentRunId"] == sweep.info.run_id
        assert len(network.data.params) == len(SETTINGS)
        assert {"final_accuracy", "task.dms", "curve_error"} <= set(
            network.data.metrics
        )
        for name in network.data.metrics:
            seen = points(out, network, name)
            assert len(seen) == (10 if name.startswith("curve_") else 1), (key, name)
        assert load_file(weights_of(network)).keys() >= {"initial.w", "final.w"}
    for condition in conditions.values():
        steps = [s for s, _ in points(out, condition, "curve_error_median")]
        assert steps == [50 * block for block in range(1, 24)]
    names = {file.path for file in client_of(out).list_artifacts(sweep.info.run_id)}
    assert names == {"sweep.yaml", "report"}


def weights_of(network: Any) -> Path:
    from mlflow.utils.file_utils import local_file_uri_to_path

    folder = local_file_uri_to_path(network.info.artifact_uri)
    return Path(folder) / "weights.safetensors"
