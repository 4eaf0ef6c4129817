"""A run of the study of degeneracy that was never made, in which the truth is known."""

import json
from functools import cache
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

import popnet as pn
from popnet.config import MeasureSettings
from popnet.measures import MEASURES, Measure
from popnet.runs.run import RecordedNetwork
from popnet.store.parameters import tensors_of
from popnet.studies.degeneracy.claims import DOWN, PAPER_ROWS, SAME, UP
from popnet.studies.degeneracy.factors import families
from popnet.studies.degeneracy.quantities import QUANTITIES

SEEDS = 20
TIMES = 4
"""So many times the smallest effect of interest is planted."""
STANDARD = {"rule.parametrisation": "standard", "rule.gamma": 1.0, "network.units": 64}
FIELD = STANDARD | {"rule.parametrisation": "mean_field"}
BASE = {
    "dynamics": 0.2, "weights_paper": 1e-3, "weights_free": 0.6, "behaviour": 1e-3,
    "mean_loss": 0.3, "disagreement": 0.05, "representations": 0.6, "change": 2.0,
    "kernel": 0.5,
}  # fmt: skip


@cache
def drawn_network(task):
    """One network of 16 units, as drawn."""
    dt_s = 0.001 if task == "flipflop" else 0.01
    nets = pn.draw(task, rule="bptt", network={"units": 16, "dt_s": dt_s})
    return nets.members[0], nets.params


class Kernel(MeasureSettings):
    """Stands in for the measure of that name where there is none yet."""

    needs = "network"
    summary = "how alike the tangent kernels are"
    label = "kernel\nalignment"
    range = (0, 1)


def register(monkeypatch):
    """The measure of kernels, if popnet has none."""
    name = "kernel_alignment"
    if name not in MEASURES.own:
        monkeypatch.setitem(MEASURES.own, name, Measure(Kernel, lambda *_: 0.0))
    return name


def conditions():
    """Settings of every condition: each factor of each task alone."""
    found = []
    tasks = {
        "flipflop": {"task.bits": 3}, "delayed_discrimination": DELAYED,
        "sines": {"task.channels": 1}, "path_integration": {"task.dimensions": 2},
    }  # fmt: skip
    for task, plain in tasks.items():
        path = next(iter(plain))
        own = {"task.name": task, **plain}
        for more in range(2 if task == "path_integration" else 3):
            found.append(own | STANDARD | {path: plain[path] + more})
        found += [own | FIELD | {"rule.gamma": gamma} for gamma in (0.25, 1.0, 4.0)]
        found += [own | FIELD | {"network.units": units} for units in (32, 128)]
    own = {"task.name": "delayed_discrimination", **DELAYED, **STANDARD}
    found += [own | {"task.delay_s": delay_s} for delay_s in (0.2, 0.4)]
    found.append(own | {"task.difference": True})
    found += [own | {"rule.l1": strength} for strength in (1e-5, 1e-4)]
    found += [own | {"rule.nuclear": strength} for strength in (1e-4, 1e-3)]
    rows = pd.DataFrame(found)
    rows = rows.fillna({"rule.l1": 0.0, "rule.nuclear": 0.0})
    # a rate of its own where it learns at none other; no factor
    rows["rule.learning_rate"] = np.where(rows["task.name"] == "sines", 1e-3, 2e-3)
    return rows.assign(condition=[f"c{i}" for i in range(len(rows))])


DELAYED = {"task.channels": 1, "task.delay_s": 0.1, "task.difference": False}


def offsets(rows, truth):
    """log2 of what each quantity of a condition is multiplied by; plain where plain."""
    found = {name: dict.fromkeys(rows["condition"], 0.0) for name in QUANTITIES}
    for family in families(rows):
        for row in PAPER_ROWS:
            if row.factor != family.factor.name or family.task not in row.tasks:
                continue
            for name, goes in row.says.items():
                step = planted(goes, truth) * QUANTITIES[name].smallest
                for x, condition in zip(family.x, family.conditions, strict=True):
                    found[name][condition] += step * (x - family.x[0])
    return found


def planted(goes, truth):
    """The slope, in smallest effects; the null of no effect is exactly that size."""
    if goes == SAME:
        return {"true": 0.0, "false": TIMES, "null": 1.0}[truth]
    sign = {UP: 1.0, DOWN: -1.0}[goes]
    return sign * {"true": TIMES, "false": -TIMES, "null": 0.0}[truth]


class MadeUpDegeneracy:
    """What popnet.runs.Run offers; the tables may be replaced."""

    name = "degeneracy-quick"

    def __init__(self, out, truth="true", seeds=SEEDS, seed=1, failing=()):
        self.folder = Path(out) / self.name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.random = np.random.default_rng(seed)
        self.rows, self.seeds = conditions(), seeds
        self.offsets = offsets(self.rows, truth)
        # what a seed's draws make of a network, the same in all conditions, and more
        self.of_seed = self.random.normal(size=(len(BASE), seeds))
        self.networks = self._networks(failing)
        self.evaluation_rows = self._evaluations()
        self.comparison_rows = self._comparisons()

    def _value(self, name, condition):
        """A quantity of a condition."""
        offset = self.offsets[name][condition]
        return BASE[name] * 2**offset if QUANTITIES[name].log else BASE[name] + offset

    def _own(self, name, spread):
        """Deviations of the networks of a condition."""
        shared = self.of_seed[list(BASE).index(name)]
        return spread * (0.95 * shared + 0.3 * self.random.normal(size=self.seeds))

    def _networks(self, failing):
        parts = []
        for settings in self.rows.to_dict("records"):
            condition = settings["condition"]
            change = self._value("change", condition) * 2 ** self._own("change", 0.05)
            kernel = self._value("kernel", condition) + self._own("kernel", 0.02)
            failed = condition in failing
            own = {
                "key": [f"{condition}-{s:02d}" for s in range(self.seeds)],
                "index": range(self.seeds), "trials": 1000, "label": condition,
                "status": "unconverged" if failed else "converged",
                "weight_change": change, "kernel_alignment": kernel,
            }  # fmt: skip
            parts.append(pd.DataFrame(own).assign(**settings))
        return pd.concat(parts, ignore_index=True)

    def _evaluations(self):
        parts = []
        for condition, own in self.networks.groupby("condition", sort=False):
            spread = self._value("behaviour", condition)
            error = self._value("mean_loss", condition) + self._own("behaviour", spread)
            about = {"kind": "perturbation", "name": "epoch_durations", "level": 1.0}
            parts.append(own[["key"]].assign(**about, settings="{}", error=error))
            about = {"kind": "task", "name": "own", "level": 0.0}
            parts.append(own[["key"]].assign(**about, settings="{}", error=0.001))
        return pd.concat(parts, ignore_index=True)

    def _comparisons(self):
        rows = []
        for condition, own in self.networks.groupby("condition", sort=False):
            keys = list(own["key"])
            a, b = np.array(list(combinations(range(self.seeds), 2))).T
            pairs = {"key_a": [keys[i] for i in a], "key_b": [keys[i] for i in b]}
            for metric, settings, name, moves, spread in COMPARED:
                value = self._value(name, condition) if moves else BASE[name]
                u = self._own(name, spread)
                value = value * 2 ** (u[a] + u[b]) if spread else value + 0 * u[a]
                text = json.dumps(settings)
                bound = value * 0.6 if metric == "dsa" else np.nan
                about = {"metric": metric, "settings": text, "bound": bound}
                rows.append(pd.DataFrame(pairs).assign(**about, value=value))
            floor = {"key_a": keys, "key_b": keys, "metric": "dsa", "value": 0.02}
            again = '{"again": true}'
            rows.append(pd.DataFrame(floor).assign(settings=again, bound=0.01))
        return pd.concat(rows, ignore_index=True)

    def table(self):
        return self.networks

    def evaluations(self):
        return self.evaluation_rows

    def comparisons(self):
        return self.comparison_rows

    def dynamics(self):
        """No measure of activity was asked for."""
        return pd.DataFrame(columns=["key", "state"])

    def network(self, key):
        """A drawn network of its task."""
        task = self.networks.set_index("key")["task.name"][key]
        member, params = drawn_network(task)
        return RecordedNetwork(key, member.config, {}, tensors_of(params))

    def provenance(self):
        command = ["popnet", "study", "degeneracy", "--scale", "quick"]
        return {"started": "2026-11-30T02:00:00+00:00", "command": command}

    @property
    def sweep(self):
        return SimpleNamespace(networks=self.seeds)


DRAWN = {"untrained": True}
COMPARED = (
    # metric, settings, quantity, whether training moves it, log2 spread of networks
    ("dsa", {}, "dynamics", True, 0.05),
    ("dsa", DRAWN, "dynamics", False, 0.05),
    ("weights", {"scale": "per_parameter"}, "weights_paper", True, 0.02),
    ("weights", {"scale": "per_parameter"} | DRAWN, "weights_paper", False, 0.02),
    ("weights", {"scale": "relative"}, "weights_free", True, 0.02),
    ("weights", {"scale": "relative"} | DRAWN, "weights_free", False, 0.02),
    ("weights", {}, "weights_free", True, 0.02),
    ("svcca", {}, "representations", True, 0.01),
    ("behaviour", {}, "disagreement", True, 0.05),
)
