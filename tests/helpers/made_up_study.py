"""A study that was never run: its tables from formulas, small or as large as real."""

import json
from itertools import combinations, product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from popnet.report.claims import VERDICTS
from popnet.runs.findings import Finding

LEVEL, INTO = "network.tau_s.spread", "rule.exploration.into"
MEMORY = ["dnms", "delayed_response", "order"]
MEMORYLESS = ["xor", "go_nogo", "perceptual_decision"]
GRADES = {
    "synaptic_jitter": [0, 0.02, 0.05, 0.1, 0.2, 0.5],
    "time_constants": [0, 0.1, 0.2, 0.4, 0.8],
    "initial_state": [0, 0.1, 0.5, 1, 2],
    "impulses": [0, 1, 3, 10, 30],
    "epoch_durations": [-0.5, -0.25, 0, 0.25, 0.5, 1],
}
SETTINGS = {"epoch_durations": '{"epoch": "delay"}'}
HARM = {"synaptic_jitter": 1.0, "time_constants": 0.15}
RELATED = {("dnms", "dms"), ("go_nogo", "delayed_response")}
BIN_S = 0.02


class MadeUpStudy:
    """What popnet.runs.Run offers; the tables may be replaced."""

    def __init__(self, out, tasks, intos, levels, seeds, cap=2500, seed=3, compared=3):
        self.folder = Path(out) / "heterogeneity"
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "sweep.yaml").write_text("name: heterogeneity\n")
        self.name = "heterogeneity"
        self.varied = ["task.name", INTO, LEVEL]
        self.sweep = SimpleNamespace(
            networks=seeds,
            network=SimpleNamespace(units=200),
            task=SimpleNamespace(name="dnms"),
            rule=SimpleNamespace(name="reward_hebbian"),
            train=SimpleNamespace(trials=cap),
        )
        rng = np.random.default_rng(seed)
        cells = list(product(tasks, intos, levels, range(seeds)))
        self.rows = [_network(*cell, cap, rng) for cell in cells]
        self.networks = pd.DataFrame(self.rows)
        curves = [point for row in self.rows for point in _curve(row, cap, rng)]
        self.curve_rows = pd.DataFrame(
            curves, columns=["key", "trial", "error", "accuracy"]
        )
        names = ["key", "kind", "name", "settings", "level", "accuracy"]
        names += ["flipped_accuracy", "error_by_type"]
        tests = [t for row in self.rows for t in _tests(row, tasks, levels, rng)]
        self.evaluation_rows = pd.DataFrame(tests, columns=names)
        self.dynamics_rows = pd.DataFrame(
            [_activity(row, state, rng) for row in self.rows for state in STATES]
        )
        self.comparison_rows = _pairs(self.networks, compared, rng)

    def table(self):
        return self.networks

    def curves(self):
        return self.curve_rows

    def evaluations(self):
        return self.evaluation_rows

    def comparisons(self):
        return self.comparison_rows

    def dynamics(self):
        return self.dynamics_rows

    def provenance(self):
        command = ["popnet", "study", "heterogeneity", "--scale", "quick"]
        return {"started": "2026-11-23T02:00:00+00:00", "command": command}

    def planned(self):
        return len(self.networks)


STATES = ("untrained", "trained")
PAIRS = ["key_a", "key_b", "metric", "settings", "value"]


def _network(task, into, level, index, cap, rng):
    hard = {"dnms": 900, "order": 700, "delayed_response": 450}.get(task, 260)
    rise = 1 + (0.9 if task in MEMORY else 0.2) * level * (into == "drive")
    needed = rng.lognormal(np.log(hard * rise), 0.5)
    status = "converged" if needed < cap else "unconverged"
    if rng.random() < 0.004 + 0.02 * (level == 1 and into == "drive"):
        status = "diverged"
    met = status == "converged"
    return {
        "key": f"{task}-{into}-{level:g}-{index}",
        "condition": f"{task}-{into}-{level:g}",
        "label": f"task={task}, into={into}, spread={level:g}",
        "index": index,
        "seed": index,
        "status": status,
        "trials": cap,
        "trials_to_criterion": float(int(needed)) if met else np.nan,
        "accuracy": float(np.clip(rng.normal(0.97 if met else 0.7, 0.02), 0, 1)),
        "weight_change": float(rng.lognormal(np.log(0.25 + 0.1 * level), 0.2)),
        "spectral_radius": float(rng.normal(1.7 + 0.1 * (task in MEMORY), 0.08)),
        "task.name": task,
        INTO: into,
        LEVEL: level,
        "rule.name": "reward_hebbian",
        "network.units": 200,
        "train.trials": cap,
        "train.until.accuracy": 0.95,
    }


def _curve(row, cap, rng, block=50):
    half = 0.6 * row["trials_to_criterion"] if row["status"] == "converged" else cap
    for end in range(block, cap + 1, block):
        error = 0.12 + 0.9 / (1 + (end / half) ** 3) + rng.exponential(0.02)
        if row["status"] == "diverged" and end > cap / 2:
            error = np.nan
        accuracy = np.clip(1.06 - 0.55 * error - (rng.random() < 0.02) * 0.3, 0, 1)
        yield row["key"], end, error, accuracy


def _tests(row, tasks, levels, rng):
    key, task, level = row["key"], row["task.name"], row[LEVEL]
    if row["status"] == "diverged":
        return
    top = row["accuracy"]
    for other in [task, *(t for t in tasks if t != task)]:
        near = tuple(sorted((task, other))) in {tuple(sorted(p)) for p in RELATED}
        guess = rng.normal(0.85, 0.08) if near else rng.normal(0.5, 0.12)
        accuracy = top if other == task else float(np.clip(guess, 0, 1))
        yield _test(key, "task", other, "{}", 0.0, accuracy)
    needs = 1.0 if task in MEMORY else 0.25
    for name, grades in GRADES.items():
        if name.startswith("epoch") and task not in MEMORY:
            continue
        for grade in grades:
            far = abs(grade) / max(grades) * HARM.get(name, needs)
            fall = (top - 0.5) * np.exp(-2.5 * far**1.4 * (1.2 - 0.4 * level))
            accuracy = 0.5 + fall + rng.normal(0, 0.1) * far
            accuracy = float(np.clip(accuracy, 0, 1))
            settings = SETTINGS.get(name, "{}")
            yield _test(key, "perturbation", name, settings, float(grade), accuracy)
    for other in levels:
        drop = 0.3 * abs(other - level) * needs
        accuracy = float(np.clip(top - drop + rng.normal(0, 0.03), 0, 1))
        settings = json.dumps({"spread": other})
        yield _test(key, "perturbation", "new_time_constants", settings, 1.0, accuracy)


def _test(key, kind, name, settings, level, accuracy):
    wrong = [1 - accuracy] * 2
    return key, kind, name, settings, level, accuracy, 1 - accuracy, wrong


def _activity(row, state, rng):
    task, level, trained = row["task.name"], row[LEVEL], state == "trained"
    bins = 50 if task in MEMORY else 35
    time_s = (np.arange(bins) + 0.5) * BIN_S
    rise = 1 - np.exp(-time_s / (0.1 + 0.1 * level))
    late = 0.3 * trained * (time_s > time_s[-1] - 0.2)
    distance = (0.35 + 0.1 * level) * rise * rng.lognormal(0, 0.1) + late
    return {
        "key": row["key"],
        "state": state,
        "name": "",
        "settings": "{}",
        "level": 0.0,
        "pca_dimension": float(rng.integers(4, 9) + 3 * (task in MEMORY)),
        "participation_ratio": rng.lognormal(np.log(4 + level), 0.2),
        "speed": rng.lognormal(np.log(6 + 3 * level), 0.15),
        "condition_distance": float(distance.mean()),
        "autocorrelation_s": rng.lognormal(np.log(0.09), 0.25),
        "trajectory_change": np.nan,
        "condition_distance_t": distance,
        "bin_s": BIN_S,
    }


def _pairs(networks, compared, rng):
    rows = []
    sampled = networks[networks["index"] < compared]
    for a, b in combinations(sampled.itertuples(), 2):
        same = a.condition.split("-")[0] == b.condition.split("-")[0]
        pair = a.key, b.key
        for null in ({}, {"untrained": True}, {"shuffled": True}):
            far = (0 if same else 0.1) + 0.1 * (not null)
            if same:
                value = rng.normal(1.0 + far, 0.06)
                rows.append((*pair, "trajectories", json.dumps(null), value))
            value = rng.normal(1.41 - 0.03 * (not null), 0.01)
            settings = json.dumps({"align": False, **null})
            rows.append((*pair, "weights", settings, value))
        if same:
            value = abs(rng.normal(0.05, 0.03))
            rows.append((*pair, "behaviour", "{}", value))
    return pd.DataFrame(rows, columns=PAIRS)


def findings():
    """Claims with every verdict, every kind of number, and text to escape."""
    made = [
        ("learning", "Memory-dependent tasks are learned more slowly as intrinsic "
         "heterogeneity grows; memoryless tasks are not.", "difference between memory "
         "and memoryless tasks in the slope of log2 trials to criterion on level",
         0.62, 0.31, 0.94, "doublings per level", 12, 0.0004, "holds", "learning", ""),
        ("jitter", "Synaptic jitter is the most harmful perturbation, for all tasks "
         "and at all levels.", "drop of accuracy under jitter minus the largest drop "
         "under another perturbation", 0.11, -0.02, 0.24, "accuracy", 12, 0.08,
         "undecided", "robustness", "Holm-corrected over 5 <perturbations>"),
        ("monotone", "No measure changes monotonically with heterogeneity.",
         "share of measures with a significant trend", 0.83, 0.7, 0.92, "", 12, None,
         "does not hold", "dynamics", ""),
        ("lost", "A claim without data.", "nothing", np.nan, np.nan, np.nan, "s", 0,
         None, "undecided", "nowhere", "no data"),
        ("trials", "Large numbers.", "trials", -1843.0, -2101.4, -1500.0, "trials", 12,
         0.034, "holds", "transfer", ""),
    ]  # fmt: skip
    rows = [Finding(*row) for row in made]
    shares = [(0.91, 0.0, 0.09), (0.0, 0.88, 0.12), (0.01, 0.0, 0.99)]
    power = {
        truth: dict(zip(VERDICTS, share, strict=True))
        for truth, share in zip(("true", "false", "null"), shares, strict=True)
    }
    return [rows[0]._replace(smallest="0.25 doublings", power=power), *rows[1:]]
