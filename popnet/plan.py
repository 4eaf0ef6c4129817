"""From a sweep to its networks: conditions x seeds, keys, packs and shards.

A network's key is a hash of its own configuration, its seed and ``PHYSICS``; what
decides where and how it is trained (packs, shards, device, the sweep's name) is not
in it.  What is to be trained is the plan minus what is recorded.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from popnet.canonical import canonical as canonical
from popnet.canonical import canonical_texts, shape_texts
from popnet.canonical import digest as digest
from popnet.canonical import label as label
from popnet.config import Condition, LoadedSweep, NetworkConfig
from popnet.config.garbage_collection import uncollected
from popnet.seeding import Seed

PHYSICS = 5
"""Raised by hand, only when a change of code changes what a configuration gives."""


class PlannedNetwork(NamedTuple):
    """One network that a sweep asks for."""

    key: str
    seed: Seed
    condition: str
    label: str
    config: NetworkConfig
    earlier: tuple[tuple[int, NetworkConfig], ...] = ()
    """What it trains with before: each configuration until some trial."""


class Pack(NamedTuple):
    """Networks whose tensors stack: what one Ray Tune trial trains."""

    name: str
    networks: tuple[PlannedNetwork, ...]


def network_key(config: NetworkConfig, seed: Seed, physics: int = PHYSICS) -> str:
    """The key of a network: 20 hex digits of a hash of what it is."""
    return _key(canonical(config), seed, physics)


def _key(text: str, seed: Seed, physics: int) -> str:
    return digest(str(physics), text, str(seed.sweep), str(seed.number))


def networks(plan: LoadedSweep) -> list[PlannedNetwork]:
    """Every network a sweep asks for, condition by condition."""
    if not plan.conditions:
        return []
    labels, plain = short_names(plan.varied), told_by_name(plan)
    text_of = canonical_texts()
    seeds = [Seed(plan.sweep.seed, number) for number in range(plan.sweep.networks)]
    result: list[PlannedNetwork] = []
    with uncollected():
        for condition in plan.conditions:
            changed = condition.earlier
            text = _text(condition) if changed else text_of(condition.config)
            name = _condition(text)
            words = label_of(condition, labels, plain)
            earlier = tuple((until, c.config) for until, c in changed)
            for seed in seeds:
                key = _key(text, seed, PHYSICS)
                network = PlannedNetwork(
                    key, seed, name, words, condition.config, earlier
                )
                result.append(network)
    return result


def _text(condition: Condition) -> str:
    """A condition as text; of one that changed on the way each of its pieces."""
    last = canonical(condition.config)
    if not condition.earlier:
        return last
    pieces = [[until, canonical(c.config)] for until, c in condition.earlier]
    return json.dumps([*pieces, last], separators=(",", ":"))


def name_of(condition: Condition) -> str:
    """The name of a condition, also of one that changed on the way."""
    return _condition(_text(condition))


def condition_name(config: NetworkConfig) -> str:
    """The name of a condition: 16 hex digits of a hash of its configuration."""
    return _condition(canonical(config))


def _condition(text: str) -> str:
    return digest(text, size=8)


def short_names(paths: list[str]) -> dict[str, str]:
    """The shortest endings that tell the grid's paths apart; task for task.name."""
    ends = {path: path.removesuffix(".name") for path in paths}
    return {
        path: _short_name(end, [e for p, e in ends.items() if p != path])
        for path, end in ends.items()
    }


def told_by_name(plan: LoadedSweep) -> set[str]:
    """The paths of whole entries (rules, tasks) that their names alone tell apart."""
    paths = set()
    for path in plan.varied:
        values = [c.values[path] for c in plan.conditions if path in c.values]
        if not all(isinstance(value, dict) for value in values):
            continue
        # a value stands in many conditions
        values = list({id(value): value for value in values}.values())
        entries = {json.dumps(v, sort_keys=True, default=str) for v in values}
        names = {v.get("name") for v in values}
        if len(entries) == len(names) and None not in names:
            paths.add(path)
    return paths


def _short_name(path: str, others: list[str]) -> str:
    parts = path.split(".")
    for length in range(1, len(parts)):
        short = ".".join(parts[-length:])
        if not any(p == short or p.endswith("." + short) for p in others):
            return short
    return path


def label_of(condition: Condition, names: dict[str, str], plain: set[str]) -> str:
    """A condition in words: "spread=0.2, rule=bptt"; ``plain``: see told_by_name."""
    words = [
        f"{names[path]}={value['name'] if path in plain else _short(value)}"
        for path, value in condition.values.items()
    ]
    return ", ".join(words + [f"member {condition.member}"] * bool(condition.member))


def _short(value: Any) -> str:
    if isinstance(value, dict):
        rest = ",".join(f"{k}={_short(v)}" for k, v in value.items() if k != "name")
        name = str(value.get("name", ""))
        return f"{name}({rest})" if name and rest else name or f"({rest})"
    if isinstance(value, float) and float(f"{value:g}") == value:
        return f"{value:g}"
    return str(value)


def packs(wanted: Iterable[PlannedNetwork]) -> list[Pack]:
    """Networks grouped by what they must share."""
    groups: dict[str, list[PlannedNetwork]] = {}
    shape_of = shape_texts()
    with uncollected():
        for network in wanted:
            groups.setdefault(shape_of(network.config), []).append(network)
    return [Pack(digest(s, size=8), tuple(members)) for s, members in groups.items()]


def shards(
    pack: Pack, workers: int, most: int, per_worker: int = 4
) -> list[tuple[PlannedNetwork, ...]]:
    """Split a pack: some shards per worker, none above ``most`` networks.

    On CPUs several even out that networks take different times to learn; a GPU takes
    as many networks at once as it can hold.
    """
    count = len(pack.networks)
    size = max(1, min(most, math.ceil(count / (per_worker * workers))))
    return [pack.networks[i : i + size] for i in range(0, count, size)]


class Memory(NamedTuple):
    """What training takes, in bytes, by the shapes of its tensors."""

    each: int
    """What is kept of every network of a shard."""
    step: int
    """What a learning step of one network takes besides."""


TRIALS_AT_ONCE = 20
"""Trials that a sequential rule is given at once, to spread the cost of a step.  No
result depends on it."""


ALLOWANCE = 1.5
"""What the process holds by what its tensors take: freed memory stays with the
allocator.  Measured up to 1.6 times the tensors of 1 to 16 networks of 800 units."""
PLAIN_ALLOWANCE = 2.4
"""The same where plain torch learns, which makes and frees arrays of the weights' size
all the time.  Measured 1.4 to 2.4 times the tensors, one run of the same to the next.
"""


def memory_of(config: NetworkConfig, device: str = "cpu") -> Memory:
    """Memory of one network, enough for what was measured.

    A compiled kernel (float32 on the CPU) keeps less of the activity than plain torch.
    """
    net, task, rule = config.network, config.task, config.rule
    n, i, o = net.units, task.inputs, task.outputs
    number = 4 if net.dtype == "float32" else 8
    wout = 2 * o * n if net.readout.kind == "linear" else 0
    mask = n * n if net.density < 1 or not net.autapses else 0
    weights = n * n + n * i + wout
    window = config.train.until.watched if config.train.until else 100
    points = config.train.trials // config.train.curve_every + 2 + rule.batch
    progress = 16 * (points + window)
    # twice the weights: those of a network that has ended wait to be recorded, with
    # those it began with
    kept = number * (weights * (2 + rule.state_copies) + mask + 12 * n) + progress
    kernel = device == "cpu" and number == 4 and net.form == "current"
    trials = TRIALS_AT_ONCE if rule.sequential else rule.batch
    at_once = 1 if rule.sequential else rule.batch
    steps = task.steps(net.dt_s)
    cells = steps * n
    copies = rule.kernel_copies if kernel else rule.activity_copies
    noise = trials * cells * (2 * 8 + 4) if net.noise.recurrent > 0 else 0
    # drawn in float64, then in the networks' own type, and once more by the step
    drawn = trials * steps * (i + 3 * o) * (8 + 2 * number)
    step = number * (weights * rule.weight_copies + at_once * cells * copies)
    used = step + drawn + noise + 2 * progress
    held = ALLOWANCE if kernel else PLAIN_ALLOWANCE
    return Memory(int(held * kept), int(held * used))


def shard_bytes(config: NetworkConfig, networks: int, device: str = "cpu") -> int:
    """Memory of a shard: on the CPU its networks take turns, on a GPU not."""
    each, step = memory_of(config, device)
    if device == "cpu":
        return each * networks + step
    return (each + step) * networks


def shard_capacity(
    config: NetworkConfig, memory_bytes: int, device: str = "cpu"
) -> int:
    """How many networks fit in this much memory (three quarters of it used)."""
    usable = int(0.75 * memory_bytes)
    each, step = memory_of(config, device)
    most = (usable - step) // each if device == "cpu" else usable // (each + step)
    return max(1, most)
