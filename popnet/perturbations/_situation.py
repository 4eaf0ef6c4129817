"""What a frozen network meets: the object every perturbation changes.

A perturbation is one function of (settings, level, situation, seed); it may change
the network's parameters, the task, how it starts, and what it receives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from popnet.config import (
    Impulses,
    NetworkConfig,
    PerturbationSettings,
    TaskSettings,
)
from popnet.core.cell import Params
from popnet.seeding import Seed


class Situation(NamedTuple):
    """One frozen network (P = 1) about to be tested."""

    params: Params
    config: NetworkConfig
    task: TaskSettings
    impulses: Impulses
    """The rule's own exploratory impulses, which stay on."""
    added_impulses: Impulses
    """Further impulses, from a stream of their own."""
    added_start: float
    """Half-width of what is added to the initial state, in units of x."""


def resting(params: Params, config: NetworkConfig) -> Situation:
    """The unperturbed situation of a network on its own task."""
    rule, task = config.rule, config.task
    return Situation(params, config, task, rule.impulses, Impulses(), 0.0)


class Perturbation(NamedTuple):
    """A perturbation; level 0 gives the situation back unchanged."""

    settings: type[PerturbationSettings]
    apply: Callable[[Any, float, Situation, Seed], Situation]
