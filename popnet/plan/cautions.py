"""What a sweep asks for that may not be what its author expects."""

from __future__ import annotations

from popnet.config import LoadedSweep, NetworkConfig

SIGNED = ("tanh",)
"""Nonlinearities whose rates can be negative."""


def cautions(loaded: LoadedSweep) -> list[str]:
    """Return sentences that a user should read before the sweep is launched."""
    conditions = loaded.conditions or loaded.corners
    signed = [c.config.network.nonlinearity for c in conditions if _signed(c.config)]
    if not signed:
        return []
    where = "" if len(signed) == len(conditions) else _share(signed, conditions)
    return [
        f"network.dale{where}: the weights keep their signs, but rates of "
        f"{' and '.join(sorted(set(signed)))} can be negative, and with a negative "
        "rate an excitatory unit inhibits and an inhibitory one excites; for rates of "
        "0 and above use network.nonlinearity: relu, softplus, one_plus_tanh or "
        "rectified_tanh."
    ]


def _signed(config: NetworkConfig) -> bool:
    net = config.network
    return net.dale is not None and net.nonlinearity in SIGNED


def _share(some: list[str], of: tuple[object, ...]) -> str:
    return f" in {len(some)} of {len(of)} conditions"
