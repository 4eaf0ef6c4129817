"""Networks in packs, whose tensors stack, and packs in shards, one per actor."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

from popnet.canonical import digest, shape_texts
from popnet.config.garbage_collection import uncollected
from popnet.plan.planned_network import PlannedNetwork

N = TypeVar("N")


class Pack(NamedTuple, Generic[N]):
    """Networks whose tensors stack: what one Ray Tune trial trains."""

    name: str
    networks: tuple[N, ...]
    """Planned networks, or the same on their way to a worker."""


def packs(wanted: Iterable[PlannedNetwork]) -> list[Pack[PlannedNetwork]]:
    """Networks grouped by what they must share."""
    groups: dict[str, list[PlannedNetwork]] = {}
    shape_of = shape_texts()
    with uncollected():
        for network in wanted:
            groups.setdefault(shape_of(network.config), []).append(network)
    return [Pack(digest(s, size=8), tuple(members)) for s, members in groups.items()]


def shards(
    pack: Pack[N], workers: int, most: int, per_worker: int = 4
) -> list[tuple[N, ...]]:
    """Split a pack: some shards per worker, none above ``most`` networks.

    On CPUs several even out that networks take different times to learn; a GPU takes
    as many networks at once as it can hold.
    """
    count = len(pack.networks)
    size = max(1, min(most, math.ceil(count / (per_worker * workers))))
    return [pack.networks[i : i + size] for i in range(0, count, size)]
