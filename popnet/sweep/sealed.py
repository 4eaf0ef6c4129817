"""Networks and settings on their way to a worker, as bytes.

The settings of another package's entry can only be unpickled where the package is.  So
a worker first looks whether it has the packages, and then opens what it was sent: a
machine that lacks one says so in a line, whatever it was to do.
"""

from __future__ import annotations

import pickle
import platform
from collections.abc import Iterable
from typing import Any, Generic, NamedTuple, TypeVar

from popnet.plan import Pack, PlannedNetwork
from popnet.registry import lacking
from popnet.seeding import Seed

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
    """Anything as bytes, and the packages that it needs."""

    packages: Packages
    inside: bytes

    def opened(self) -> T:
        """What was sealed.  Raises MissingPackage."""
        need(self.packages)
        return pickle.loads(self.inside)


def sealed(value: T, packages: Packages) -> Sealed[T]:
    """Seal something for a worker."""
    return Sealed(packages, pickle.dumps(value))


class SealedNetwork(NamedTuple):
    """A network of which only the configuration is sealed."""

    key: str
    seed: Seed
    condition: str
    label: str
    inside: bytes
    """Its configuration and the earlier ones; networks of a condition share it."""


def sealed_pack(pack: Pack[PlannedNetwork]) -> Pack[SealedNetwork]:
    """A pack for the process that hands its networks out; it need not open them."""
    known: dict[tuple[int, int], bytes] = {}
    networks = []
    for network in pack.networks:
        same = id(network.config), id(network.earlier)
        if same not in known:
            known[same] = pickle.dumps((network.config, network.earlier))
        networks.append(SealedNetwork(*network[:4], known[same]))
    return Pack(pack.name, tuple(networks))


def opened_networks(networks: Iterable[SealedNetwork]) -> tuple[PlannedNetwork, ...]:
    """The networks, where the packages that they need are known to be."""
    known: dict[bytes, tuple[Any, Any]] = {}
    result = []
    for network in networks:
        if network.inside not in known:
            known[network.inside] = pickle.loads(network.inside)
        config, earlier = known[network.inside]
        result.append(PlannedNetwork(*network[:4], config, earlier))
    return tuple(result)
