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


PARTS = {
    "w_PNN": "recurrent weights",
    "win_PNI": "input weights",
    "wout_PON": "readout weights",
    "wfb_PNO": "feedback weights",
    "bias_PN": "biases",
    "tau_PN": "time constants",
    "slope_PN": "slopes",
    "threshold_PN": "thresholds",
    "mask_PNN": "connections",
    "sign_PN": "signs",
    "config": "configuration",
    "task": "task",
    "impulses": "exploratory impulses",
    "added_impulses": "added impulses",
    "added_start": "initial state",
}
"""The words in which a perturbation declares what it ``changes``."""


def parts(situation: Situation) -> dict[str, Any]:
    """Everything a perturbation may change, by the word of it."""
    every = {**situation.params._asdict(), **situation._asdict()}
    return {PARTS[field]: part for field, part in every.items() if field in PARTS}


class Perturbation(NamedTuple):
    """A perturbation; level 0 gives the situation back unchanged."""

    settings: type[PerturbationSettings]
    apply: Callable[[Any, float, Situation, Seed], Situation]
