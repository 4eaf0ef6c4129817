"""From a sweep to its networks: conditions x seeds, each with a key.

A network's key is a hash of its own configuration, its seed and ``PHYSICS``; what
decides where and how it is trained (packs, shards, device, the sweep's name) is not
in it.  What is to be trained is the plan minus what is recorded.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from popnet.canonical import canonical, canonical_texts, digest
from popnet.config import Condition, LoadedSweep, NetworkConfig
from popnet.config.garbage_collection import uncollected
from popnet.plan.labels import label_of, short_names, told_by_name
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
