"""A run of the study of learning rules that was never made; its truth is known.

Networks are points in many dimensions, about a centre that its rule, noise and first
weights move along axes of their own: so distances have the separation that is planted.
"""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

SEEDS = 12
DIMENSIONS = 40
RULES = ("bptt", "genetic", "full_force", "reward_hebbian", "eprop", "policy_gradient")
SIGMAS, SCALES = (0.1, 0.5, 1.0), (0.5, 1.0, 1.5)
TASKS = {"random_dots": None, **{f"n_context_{n}": n for n in (1, 2, 3, 4)}}
NOISY = {"random_dots", "n_context_2", "n_context_4"}
OWN_SCALE = dict(zip(RULES, (1.5, 1.0, 0.0, 1.5, 1.2, 1.0), strict=True))
CAP = 2**16


def conditions():
    """Settings of every condition: the cross is not full."""
    found = []
    for task, contexts in TASKS.items():
        for rule in RULES:
            found.append(_settings(task, contexts, rule, "matched", 0.5, 1.0))
            published = "published_code" if rule == "reward_hebbian" else "published"
            found.append(
                _settings(task, contexts, rule, published, 0.5, OWN_SCALE[rule])
            )
        for rule in RULES[:3] if task in NOISY else ():
            for sigma in (0.1, 1.0):
                found.append(_settings(task, contexts, rule, "matched", sigma, 1.0))
    for rule in (RULES[0], *RULES[3:]):
        for scale in (0.5, 1.5):
            found.append(_settings("n_context_2", 2, rule, "matched", 0.5, scale))
    rows = pd.DataFrame(found)
    return rows.assign(condition=[f"c{i}" for i in range(len(rows))])


def _settings(task, contexts, rule, preset, sigma, scale):
    own = {"task.name": "n_context" if contexts else task, "task.sigma": sigma}
    if contexts:
        own["task.contexts"] = contexts
    about = {"rule.name": rule, "rule.preset": preset, "network.gain": scale}
    return own | about | {"train.trials": CAP}


def amplitude(separation):
    """How far labels move along their axes for this separation."""
    ratio = (1 + separation) / (1 - separation)
    return np.sqrt(DIMENSIONS * (ratio**2 - 1))


def planted(truth):
    """Separations by rule, noise and scale, and what else is planted."""
    true, false = truth == "true", truth == "false"
    return {
        "geometry": 0.2 * true,
        "scale": 0.4 * true,
        "topology": {"true": 0.0, "false": 0.2, "null": 0.05}[truth],
        "noise": {
            "random_dots": 0.2 * true,
            "n_context_2": 0.1 * true,
            "n_context_4": {"true": 0.0, "false": 0.2, "null": 0.05}[truth],
        },
        "moving": 0.35 * (true - 1.0 * false),
        "learning": {"true": 2.0, "false": 0.0, "null": 0.5}[truth],
        "rank": -1.0 * true + 1.0 * false,
    }


class MadeUpRules:
    """What popnet.runs.Run offers; the tables may be replaced."""

    name = "rules-quick"

    def __init__(
        self, out, truth="true", seeds=SEEDS, seed=1, failing=(), rows=None,
        only=None,
    ):  # fmt: skip
        self.folder = Path(out) / self.name
        self.random = np.random.default_rng(seed)
        self.rows, self.seeds = conditions() if rows is None else rows, seeds
        if only is not None:
            self.rows = self.rows[only(self.rows)]
        self.truth = planted(truth)
        self.networks = self._networks(failing)
        self.comparison_rows = self._comparisons()

    def _networks(self, failing):
        parts = []
        for settings in self.rows.to_dict("records"):
            condition, rule = settings["condition"], settings["rule.name"]
            policy, scale = rule == "policy_gradient", settings["network.gain"]
            off = 0.0 if rule in ("bptt", "genetic", "full_force") else 1.0
            normal = self.random.normal
            moving = 0.5 + policy * self.truth["moving"] * (1 + (scale - 1))
            rank = 8 * 2 ** (
                self.truth["rank"] * (rule in ("eprop", "reward_hebbian"))
                + 0.05 * normal(size=self.seeds)
            )
            trials = 2 ** (
                10 + off * self.truth["learning"] * (scale - 1)
                + 0.1 * normal(size=self.seeds)
            )  # fmt: skip
            failed = condition in failing
            own = {
                "key": [f"{condition}-{s:02d}" for s in range(self.seeds)],
                "index": range(self.seeds), "label": condition,
                "status": "unconverged" if failed else "converged",
                "trials": CAP, "accuracy": 0.92 + 0.005 * normal(size=self.seeds),
                "trials_to_criterion": np.nan if failed else trials,
                "moving_attractors": moving + 0.02 * normal(size=self.seeds),
                "weight_change_rank(x=1)": rank,
                "fixed_points": 3 + 0.3 * normal(size=self.seeds),
                "stable_fixed_points": 2 + 0.1 * normal(size=self.seeds),
                "largest_exponent": -2 + 0.3 * normal(size=self.seeds),
                "slowest_s": np.exp(0.2 * normal(size=self.seeds)),
            }  # fmt: skip
            parts.append(pd.DataFrame(own).assign(**settings))
        return pd.concat(parts, ignore_index=True)

    def positions(self, rows, by):
        """Points [C, S, D] with the separations of ``by``."""
        k = DIMENSIONS
        found = np.zeros((len(rows), self.seeds, k + 30))
        shared = self.random.normal(size=(self.seeds, k))
        own = self.random.normal(size=(len(rows), self.seeds, k))
        found[:, :, :k] = np.sqrt(0.5) * (shared + own)
        for place, row in enumerate(rows.to_dict("records")):
            for first, column, levels in (
                (k, "rule.name", RULES), (k + 10, "task.sigma", SIGMAS),
                (k + 20, "network.gain", SCALES),
            ):  # fmt: skip
                if row[column] in levels:
                    axis = first + levels.index(row[column])
                    found[place, :, axis] = amplitude(by[column])
        return found

    def _comparisons(self):
        tasks = [f"{r['task.name']}_{r.get('task.contexts')}"
                 for r in self.rows.to_dict("records")]  # fmt: skip
        parts = []
        for _, rows in self.rows.groupby(tasks, sort=False):
            contexts = rows.get("task.contexts", pd.Series([np.nan])).iloc[0]
            named = rows["task.name"].iloc[0] != "n_context"
            task = "random_dots" if named else f"n_context_{contexts:.0f}"
            noise = self.truth["noise"].get(task, 0.0)
            rule, scale = self.truth["topology"], self.truth["scale"]
            geometry = {"rule.name": self.truth["geometry"], "task.sigma": 0.0}
            # of all rules, so that noise within one rule is planted alone
            topology = {"rule.name": rule, "task.sigma": noise, "network.gain": 0.0}
            for metric in ("svcca", "topology", "neighbour_inputs"):
                by = geometry | {"network.gain": scale}
                alike = metric == "svcca"
                place = self.positions(rows, by if alike else topology)
                parts.append(self._pairs(rows, place, metric, alike))
        return pd.concat(parts, ignore_index=True)

    def _pairs(self, rows, place, metric, alike):
        keys = [f"{c}-{s:02d}" for c in rows["condition"] for s in range(self.seeds)]
        flat = place.reshape(len(keys), -1)
        a, b = np.array(list(combinations(range(len(keys)), 2))).T
        if alike:  # activity is compared on the same trials alone
            sigma = np.repeat(rows["task.sigma"].to_numpy(), self.seeds)
            a, b = a[sigma[a] == sigma[b]], b[sigma[a] == sigma[b]]
        value = np.linalg.norm(flat[a] - flat[b], axis=1) * 0.02
        names = np.array(keys)
        return pd.DataFrame({
            "key_a": names[a], "key_b": names[b], "metric": metric,
            "settings": json.dumps({}), "value": 1 - value if alike else value,
        })  # fmt: skip

    def table(self):
        return self.networks

    def comparisons(self):
        return self.comparison_rows

    def provenance(self):
        command = ["popnet", "study", "rules", "--scale", "quick"]
        return {"started": "2026-12-01T02:00:00+00:00", "command": command}
