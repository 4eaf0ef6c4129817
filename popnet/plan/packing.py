"""Groups networks into packs, whose tensors stack, and splits packs into shards."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Generic, NamedTuple, TypeVar

from popnet.canonical import digest, shape_texts
from popnet.config.garbage_collection import uncollected
from popnet.plan.planned_network import PlannedNetwork

N = TypeVar("N")


class Pack(NamedTuple, Generic[N]):
    """Networks whose tensors stack; one Ray Tune trial trains a pack."""

    name: str
    networks: tuple[N, ...]
    """Planned networks, or the form in which they are sent to a worker."""


def packs(wanted: Iterable[PlannedNetwork]) -> list[Pack[PlannedNetwork]]:
    """Group networks by the settings that they must share."""
    groups: dict[str, list[PlannedNetwork]] = {}
    shape_of = shape_texts()
    with uncollected():
        for network in wanted:
            groups.setdefault(shape_of(network.config), []).append(network)
    return [Pack(digest(s, size=8), tuple(members)) for s, members in groups.items()]


def shards(
    pack: Pack[N], workers: int, most: int, per_worker: int = 4
) -> list[tuple[N, ...]]:
    """Split a pack into ``per_worker`` shards per worker, of ``most`` networks at most.

    On CPUs several shards per worker even out the networks' different training times; a
    GPU takes as many networks at once as it can hold.
    """
    count = len(pack.networks)
    size = max(1, min(most, math.ceil(count / (per_worker * workers))))
    return [pack.networks[i : i + size] for i in range(0, count, size)]
