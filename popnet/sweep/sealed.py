"""Sends networks and settings to a worker as bytes.

The settings of another package's entry can only be unpickled where the package is.  So
a worker first checks that it has the packages, and popnet itself as the launch has it,
and then unpickles what it was sent: a machine that lacks one says so in a line,
whatever it was to do.
"""

from __future__ import annotations

import pickle
import platform
from collections.abc import Iterable
from typing import Any, Generic, NamedTuple, TypeVar

from popnet.plan import Pack, PlannedNetwork
from popnet.registry import lacking
from popnet.seeding import Seed
from popnet.sweep.same_code import Code, code_here, need_same

T = TypeVar("T")
Packages = tuple[str, ...]
"""Packages as "NAME VERSION"."""


class MissingPackage(RuntimeError):
    """This machine lacks a package that a sweep needs, or has another version."""


def need(packages: Packages) -> None:
    """Raise MissingPackage unless the packages are here, in these versions."""
    missing = lacking(packages)
    if missing:
        raise MissingPackage(f"machine {platform.node()} {'; '.join(missing)}")


class Sealed(NamedTuple, Generic[T]):
    """A pickled value, and the packages and the code that it needs."""

    packages: Packages
    code: Code
    pickled: bytes

    def opened(self) -> T:
        """Return the value.  Raises MissingPackage or OtherCode where it cannot be."""
        need_same(self.code)
        need(self.packages)
        return pickle.loads(self.pickled)


def sealed(value: T, packages: Packages) -> Sealed[T]:
    """Pickle a value for a worker that must have the packages."""
    return Sealed(packages, code_here(), pickle.dumps(value))


class SealedNetwork(NamedTuple):
    """A planned network whose configuration is pickled."""

    key: str
    seed: Seed
    condition: str
    label: str
    pickled: bytes
    """Its configuration and the earlier ones; networks of a condition share it."""


def sealed_pack(pack: Pack[PlannedNetwork]) -> Pack[SealedNetwork]:
    """Pickle a pack's configurations, for a process that only passes them on."""
    pickled: dict[tuple[int, int], bytes] = {}
    networks = []
    for network in pack.networks:
        same = id(network.config), id(network.earlier)
        if same not in pickled:
            pickled[same] = pickle.dumps((network.config, network.earlier))
        networks.append(SealedNetwork(*network[:4], pickled[same]))
    return Pack(pack.name, tuple(networks))


def opened_networks(networks: Iterable[SealedNetwork]) -> tuple[PlannedNetwork, ...]:
    """Unpickle networks; call ``need`` with their packages before."""
    opened: dict[bytes, tuple[Any, Any]] = {}
    result = []
    for network in networks:
        if network.pickled not in opened:
            opened[network.pickled] = pickle.loads(network.pickled)
        config, earlier = opened[network.pickled]
        result.append(PlannedNetwork(*network[:4], config, earlier))
    return tuple(result)
