"""The parts of a network that rules train, by the names a sweep file uses."""

from __future__ import annotations

from typing import Any

from popnet.config import Network
from popnet.config.settings import Inconsistent

LEAVES = {
    "recurrent": "w_PNN",
    "input": "win_PNI",
    "readout": "wout_PON",
    "bias": "bias_PN",
    "time_constants": "tau_PN",
}


def in_order(trains: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    """Each part once, in one order: the same networks have the same key."""
    if trains is None:
        return None
    return tuple(part for part in LEAVES if part in trains)


def possible(
    trains: tuple[Any, ...] | None, default: tuple[Any, ...], network: Network
) -> tuple[Any, ...]:
    """``trains`` written out: by default all of ``default`` that the network has.

    Raises Inconsistent where it names a readout that has no weights.
    """
    linear = network.readout.kind == "linear"
    if trains is None:
        return tuple(part for part in default if linear or part != "readout")
    if "readout" in trains and not linear:
        raise Inconsistent(
            "rule.trains",
            "a readout of kind unit has no weights to train; leave readout out, or "
            "use network.readout: {kind: linear}",
            "network.readout",
        )
    return trains
