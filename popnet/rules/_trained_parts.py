"""The parts of a network that rules train, by the names a sweep file uses."""

from __future__ import annotations

from typing import Any, NamedTuple

from popnet.config import Network, RuleSettings
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


def only_where_trained(settings: RuleSettings, part: str, *names: str) -> None:
    """Refuse settings ``names`` that are set although ``part`` is not trained.

    Raises Inconsistent when one of them differs from its default.
    """
    for name in names:
        if getattr(settings, name) != type(settings).model_fields[name].default:
            text = f"is of trained {part}, and rule.trains does not list {part}"
            raise Inconsistent(name, text, "trains")


FEWEST_STEPS = 2
"""Steps of the network that the default lower bound of time constants is long."""


class TauBounds(NamedTuple):
    """The bounds of trained time constants, in seconds."""

    low_s: float | None
    """None: not chosen."""
    high_s: float

    def check_order(self) -> None:
        """Raise Inconsistent unless the lower bound is below the upper one."""
        if self.low_s is not None and self.low_s >= self.high_s:
            raise Inconsistent(
                "tau_min_s",
                f"got {self.low_s:g}; must be below tau_max_s, {self.high_s:g}",
                "tau_max_s",
            )

    def fitted(self, network: Network) -> TauBounds:
        """Return the bounds with the lower one chosen, possible in this network.

        Raises Inconsistent where the scheme would overshoot, or where the mean time
        constant is not between them.
        """
        dt_s, mean_s = network.dt_s, network.tau_s.mean
        low_s = FEWEST_STEPS * dt_s if self.low_s is None else self.low_s
        if low_s < dt_s:
            raise Inconsistent(
                "rule.tau_min_s",
                f"got {low_s:g}; at least network.dt_s, {dt_s:g}: below one step the "
                "scheme overshoots",
                "network.dt_s",
            )
        for name, outside in (
            ("rule.tau_min_s", mean_s < low_s),
            ("rule.tau_max_s", mean_s > self.high_s),
        ):
            if outside:
                raise Inconsistent(
                    name,
                    f"got {low_s if name.endswith('min_s') else self.high_s:g}; the "
                    f"mean of network.tau_s, {mean_s:g}, lies beyond it",
                    "network.tau_s",
                )
        return TauBounds(low_s, self.high_s)
