"""Tables of a study in which it is known what is true: claims, opposites, nothing."""

import json
from itertools import combinations, product

import numpy as np
import pandas as pd

from popnet.studies.heterogeneity import measured
from popnet.studies.heterogeneity.tables import REDRAWN, Tables, dynamics, learning
from popnet.studies.heterogeneity.tasks import RELATED

MEMORY = ["dnms", "go_nogo_delayed", "xor_delayed"]
MEMORYLESS = ["xor", "go_nogo", "perceptual_decision_ongoing"]
TASKS = MEMORY + MEMORYLESS
DEMAND = dict.fromkeys(MEMORY, 20.0) | dict.fromkeys(MEMORYLESS, 0.0)
LEVELS = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
SEEDS = 24
TRUTHS = ("true", "false", "null")
GRADES = {
    "time_constants": [0, 0.4],
    "initial_state": [0, 1.0],
    "impulses": [0, 30.0],
    "epoch_durations": [-0.5, 0, 0.5],
    "synaptic_jitter": [0, 0.5],
}
TRUE = {
    "time_constants": (0.01, 0.01),
    "initial_state": (0.2, 0.02),
    "impulses": (0.2, 0.02),
    "epoch_durations": (0.2, 0.02),
    "synaptic_jitter": (0.35, 0.35),
    "new_time_constants": (0.01, 0.01),
}
"""Mean drops of accuracy of memory and memoryless tasks, where the claims are true."""
FALSE = {
    "time_constants": (0.3, 0.3),
    "initial_state": (0.02, 0.2),
    "impulses": (0.02, 0.2),
    "epoch_durations": (0.02, 0.2),
    "synaptic_jitter": (0.01, 0.01),
    "new_time_constants": (0.3, 0.3),
}


NULL = dict.fromkeys(TRUE, (0.0, 0.0))


def evidence(truth="true", seed=1, noise=1.0, seeds=SEEDS):
    """Tables in which all claims are true, or all false, or nothing has an effect.

    null: no level matters, nothing harms or transfers, and what is held against a size
    (change of activity, distances) has exactly that size.
    """
    random = np.random.default_rng(seed)
    networks = _networks(truth, random, noise, seeds)
    drops = {"true": TRUE, "false": FALSE, "null": NULL}[truth]
    moved = {"true": 0.5, "false": 0.02, "null": 0.1}[truth]
    return Tables(
        networks,
        _perturbed(networks, drops, truth, random),
        _tested(networks, truth == "true", random),
        _changed(networks, moved, random),
        pd.DataFrame(),  # activity at rest: only figures see it
        _pairs(networks, truth, random),
        _doses(networks, truth, random),
        DEMAND,
        "network.tau_s.spread",
    )


def _networks(truth, random, noise, seeds):
    rows = []
    of_seed = random.normal(0, 0.5, seeds)
    for task, into, level, seed in product(
        TASKS, ["drive", "state"], LEVELS, range(seeds)
    ):
        peak = 1 - abs(level - 0.4) / 0.6
        # true: a peak inside, and only in memory tasks; false: a rise everywhere
        shape = {"true": peak * (task in MEMORY), "false": level, "null": 0.0}[truth]
        metrics = {
            name: 3 * shape + of_seed[seed] + noise * random.normal(0, 0.3)
            for name in learning() + dynamics()
        }
        spread = 1.0 if truth == "false" else 0.01
        rows.append(
            {
                "key": f"{task}-{into}-{level}-{seed}", "task": task, "level": level,
                "configuration": into, "seed": seed, "failed": False, **metrics,
                "accuracy": 0.9 + spread * of_seed[seed]
                + (3 * shape + noise * random.normal(0, 0.3)) * 0.01,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _perturbed(networks, drops, truth, random):
    shared = networks[["key", "task", "level", "configuration", "seed", "failed"]]
    parts = []
    tests = [(name, grade, "{}") for name in GRADES for grade in GRADES[name]] + [
        (REDRAWN, 1.0, json.dumps({"spread": level})) for level in LEVELS
    ]
    for name, grade, settings in tests:
        memory, memoryless = drops[name]
        mean = np.where(shared["task"].isin(MEMORY), memory, memoryless)
        level = shared["level"]
        # a peak inside the levels, or a rise along them
        shape = level if truth == "false" else 1 - np.abs(level - 0.4) / 0.6
        drop = (mean + 0.3 * mean * shape) * (grade != 0)
        drop = drop + random.normal(0, 0.0005, len(shared))
        if name == REDRAWN:  # at the own level nothing changes
            drop = drop.mask(level == json.loads(settings)["spread"], 0.0)
        about = {"perturbation": name, "grade": grade, "settings": settings}
        parts.append(shared.assign(**about, drop=drop))
    return pd.concat(parts, ignore_index=True)


def _tested(networks, true, random):
    shared = networks[["key", "task", "level", "configuration", "seed", "failed"]]
    parts = []
    for tested in [*TASKS, "dnms_long"]:
        rows = shared[shared["task"] != tested]
        pairs = list(zip(rows["task"], [tested] * len(rows), strict=True))
        sign = np.array([RELATED.get(pair, 0) for pair in pairs])
        near = 0.95 if true else 0.5
        mean = np.select([sign == 1, sign == -1], [near, 1 - near], 0.5)
        accuracy = mean + random.normal(0, 0.02, len(rows))
        parts.append(
            rows.assign(
                tested=tested,
                own=False,
                accuracy=accuracy,
                flipped_accuracy=1 - accuracy,
            )
        )
    return pd.concat(parts, ignore_index=True)


def _changed(networks, size, random):
    shared = networks[["key", "task", "level", "configuration", "seed", "failed"]]
    change = size * random.uniform(0.9, 1.1, len(shared))
    column = {measured.of_change(): change}
    return shared.assign(perturbation="time_constants", grade=0.4, **column)


def _doses(networks, truth, random):
    """Memory tasks bear two doublings less; half is lost by jitter with the least
    change of activity.  false: the other way round; null: all alike, and half of the
    networks lose half."""
    shared = networks[["key", "task", "level", "configuration", "seed", "failed"]]
    memory = shared["task"].isin(MEMORY)
    sign = {"true": 1.0, "false": -1.0, "null": 0.0}[truth]
    place = shared["level"].map({level: i for i, level in enumerate(LEVELS)})
    half = (shared["seed"] + place) % 2 == 0
    return pd.concat(
        [
            shared.assign(
                perturbation=kind,
                settings="{}",
                doublings=-sign * memory * 2.0 + random.normal(0, 0.2, len(shared)),
                unbroken=half & (truth == "null"),
                moved=-sign * 2.0 * (kind == "synaptic_jitter")
                + random.normal(0, 0.2, len(shared)),
                unmoved=False,
            )
            for kind in GRADES
        ],
        ignore_index=True,
    )


COMPARISONS = (
    ("trajectories", "{}"), ("weights", "{}"), ("weights", '{"of": "change"}'),
)  # fmt: skip


def _pairs(networks, truth, random):
    """Distances in the units of the nulls: 0 trained again, 1 untrained or shuffled."""
    rows = []
    near = {"true": 1.0, "false": 0.2, "null": 0.5}[truth]
    some = networks[(networks["seed"] < 6) & networks["level"].isin([0.0, 1.0])]

    def row(a, b, task, metric, value, **kind):
        about = {"untrained": False, "shuffled": False, "retrained": False, **kind}
        name, settings = metric
        return {
            "key_a": a["key"], "key_b": b["key"], "metric": name, "failed": False,
            "settings": settings, "task": task, "seed_a": a["seed"],
            "seed_b": b["seed"], "value": value + 0.03 * random.normal(), **about,
        }  # fmt: skip

    for task, own in some.groupby("task"):
        about = own[["key", "level", "configuration", "seed"]].to_dict("records")
        for metric in COMPARISONS:
            for a, b in combinations(about, 2):
                same = (a["level"], a["configuration"]) == (
                    b["level"], b["configuration"]
                )  # fmt: skip
                given = a, b, task, metric
                rows.append(row(*given, near, same=same))
                rows.append(row(*given, 1.0, same=same, untrained=True))
                rows.append(row(*given, 1.0, same=same, shuffled=True))
            rows += [
                row(a, a, task, metric, 0.0, same=True, retrained=True) for a in about
            ]
    return pd.DataFrame(rows)


def shuffled(made, seed=5):
    """The same evidence with the levels of each seed exchanged at random."""
    random = np.random.default_rng(seed)
    levels = made.networks.copy()
    for _, cell in made.networks.groupby(["task", "configuration", "seed"]):
        levels.loc[cell.index, "level"] = random.permutation(cell["level"].to_numpy())
    new = levels.set_index("key")["level"]
    return made._replace(
        networks=levels,
        perturbed=made.perturbed.assign(level=made.perturbed["key"].map(new)),
    )
