"""Small networks on which entries are tested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from popnet.catalogue import CATALOGUE
from popnet.config import load, read_text
from popnet.config.reading import write_text
from popnet.plan import PlannedNetwork, networks

CPU = torch.device("cpu")


def planned(
    task: Mapping[str, Any],
    rule: Mapping[str, Any],
    network: Mapping[str, Any],
    count: int,
    trials: int = 100,
    until: Mapping[str, Any] | None = None,
) -> list[PlannedNetwork]:
    """The networks of a small sweep.  Raises ConfigError where it makes no sense."""
    raw = {
        "name": "contract",
        "seed": 11,
        "networks": count,
        "network": dict(network),
        "task": dict(task),
        "rule": dict(rule),
        "train": {"trials": trials, "until": None if until is None else dict(until)},
    }
    return networks(load(read_text(write_text(raw)), CATALOGUE))


def leaves_of(parts: Any) -> dict[str, Tensor]:
    """The tensors of a NamedTuple by their names, without those that are not there."""
    return {name: leaf for name, leaf in parts._asdict().items() if leaf is not None}


def copied(parts: Any) -> Any:
    """A NamedTuple of tensors, copied."""
    return type(parts)(*(None if t is None else t.clone() for t in parts))


def differing(one: Any, other: Any) -> set[str]:
    """The names of the tensors in which two NamedTuples differ, in any bit."""
    ours, theirs = leaves_of(one), leaves_of(other)
    unshared = set(ours) ^ set(theirs)
    shared = set(ours) & set(theirs)
    return unshared | {n for n in shared if not torch.equal(ours[n], theirs[n])}
