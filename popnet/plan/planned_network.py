"""Plans the networks of a sweep: conditions x seeds, each with a key.

A network's key is a hash of its own configuration, its seed and ``PHYSICS``.  It does
not depend on where and how the network is trained (packs, shards, device, the sweep's
name).  The networks to be trained are the planned ones minus the recorded ones.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from popnet.canonical import canonical, canonical_texts, digest
from popnet.config import Condition, LoadedSweep, NetworkConfig
from popnet.config.garbage_collection import uncollected
from popnet.plan.labels import distinct_by_name, label_of, short_names
from popnet.seeding import Seed

PHYSICS = 6
"""Version of the results, raised by hand only when a change of the code changes the
result of a configuration."""


class PlannedNetwork(NamedTuple):
    """One network that a sweep asks for."""

    key: str
    seed: Seed
    condition: str
    label: str
    config: NetworkConfig
    earlier: tuple[tuple[int, NetworkConfig], ...] = ()
    """Earlier configurations of its training, each with the trial at which it ended."""


def network_key(config: NetworkConfig, seed: Seed, physics: int = PHYSICS) -> str:
    """Return the key of a network: 20 hex digits, a hash of configuration and seed."""
    return _key(canonical(config), seed, physics)


def _key(text: str, seed: Seed, physics: int) -> str:
    return digest(str(physics), text, str(seed.sweep), str(seed.number))


def networks(plan: LoadedSweep) -> list[PlannedNetwork]:
    """Return every network that a sweep asks for, condition by condition."""
    if not plan.conditions:
        return []
    labels, by_name = short_names(plan.varied), distinct_by_name(plan)
    text_of = canonical_texts()
    seeds = [Seed(plan.sweep.seed, number) for number in range(plan.sweep.networks)]
    result: list[PlannedNetwork] = []
    with uncollected():
        for condition in plan.conditions:
            changes = condition.earlier
            text = _text(condition) if changes else text_of(condition.config)
            name = _condition(text)
            words = label_of(condition, labels, by_name)
            earlier = tuple((until, c.config) for until, c in changes)
            for seed in seeds:
                key = _key(text, seed, PHYSICS)
                network = PlannedNetwork(
                    key, seed, name, words, condition.config, earlier
                )
                result.append(network)
    return result


def _text(condition: Condition) -> str:
    """Return a condition as text, with the configurations that it had before."""
    last = canonical(condition.config)
    if not condition.earlier:
        return last
    pieces = [[until, canonical(c.config)] for until, c in condition.earlier]
    return json.dumps([*pieces, last], separators=(",", ":"))


def name_of(condition: Condition) -> str:
    """Return the name of a condition, also of one that changed while training."""
    return _condition(_text(condition))


def condition_name(config: NetworkConfig) -> str:
    """Return a condition's name: 16 hex digits, a hash of its configuration."""
    return _condition(canonical(config))


def _condition(text: str) -> str:
    return digest(text, size=8)
