"""What every decision must do: it is right one way alone, and silence decides nothing.

P networks, B trials, T time steps, O outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from popnet.config import ConfigError
from popnet.engine.train import advance, begin
from popnet.plan import PlannedNetwork
from popnet.rules import RULES
from popnet.status import Status
from popnet.tasks import TASKS
from popnet.testing.checking import example_of
from popnet.testing.drawn_trials import drawn, scored
from popnet.testing.networks import CPU, planned

Outputs = NDArray[np.float64]
DECIDES = ("signs", "classes")
"""Kinds of target whose tasks ask for decisions."""


def tried(shape: tuple[int, ...]) -> Iterator[tuple[str, Outputs]]:
    """Outputs of all sizes that know nothing of the targets, with their names."""
    random = np.random.default_rng(3)
    noise_BTO = random.standard_normal(shape)
    level_BTO = np.broadcast_to(random.choice([-1.0, 1.0], (shape[0], 1, 1)), shape)
    for size in (1e-30, 0.02, 1.0, 1e30):
        yield f"noise of size {size:g}", size * noise_BTO
        yield f"a constant of size {size:g}", size * level_BTO
    both_BTO = np.ones(shape)
    both_BTO[:, ::2] = -1.0
    yield "both signs by turns", both_BTO


def a_decision_is_right_one_way_alone(name: str) -> None:
    """No trial is right by an output and by its opposite, and none by an output of 0.

    So accuracy + flipped accuracy <= 1 for any network.
    """
    settings, _, trials = drawn(name)
    if settings.target_kind not in DECIDES:
        return
    silent = np.zeros(trials.target_BTO.shape)
    assert not scored(name, silent, trials).correct_PB.any(), "0 is right in a trial"
    for about, output_BTO in tried(silent.shape):
        right_B, flipped_B = (
            scored(name, sign * output_BTO, trials).correct_PB[0] for sign in (1, -1)
        )
        both = int((right_B & flipped_B).sum())
        assert not both, f"{about}: {both} trials are right with either sign"


def silence_is_judged_as_declared(name: str) -> None:
    """Targets that are signs are never 0, or a 0 counts as ``silence`` says."""
    settings, _, trials = drawn(name)
    if settings.target_kind != "signs":
        return
    silent_BTO = trials.mask_BTO & (trials.target_BTO == 0)
    declared = "counts in the error alone" if silent_BTO.any() else "never asked for"
    assert settings.silence == declared, f"declares that silence is {settings.silence}"
    quiet = scored(name, trials.target_BTO, trials)
    loud = scored(name, trials.target_BTO + 7.0 * silent_BTO, trials)
    assert (quiet.correct_PB == loud.correct_PB).all(), "it changes what is correct"
    more_B = (loud.error_PB > quiet.error_PB)[0].numpy()
    assert (more_B == silent_BTO.any((1, 2))).all(), "the error does not count it"


TYPES = 8
"""A network may be right in two types of trial by luck, but not in so many, of which
each asks for a sign of its own."""
STEP_S = 0.02
TRIALS, BATCH = 128, 32
UNTAUGHT: tuple[dict[str, Any], ...] = (
    {},
    {"rule.parametrisation": "mean_field", "rule.gamma": 10.0},
    {"network.readout": {"kind": "linear", "scale": 0.05}},
    {"task.target": 0.3},
    {"task.target": 0.3, "network.readout": {"kind": "linear", "scale": 0.05}},
)
"""Settings with which networks that learn nothing have small outputs."""


def nothing_is_learned_at_rate_0(name: str) -> None:
    """With ``learning_rate`` 0 no network meets a criterion on a decision task.

    Not with small outputs or small targets either; and where luck is ruled out, none is
    as good as the criterion asks.
    """
    if "learning_rate" not in RULES[name].settings.model_fields:
        return
    members: list[PlannedNetwork] = []
    for (task, hard), given in product(_decisions().items(), UNTAUGHT):
        some = _untaught(name, task, given)
        members += some
        for population in begin(some, CPU):
            _, (ended,) = advance(population, TRIALS)
            assert ended.status is not Status.CONVERGED, (
                f"a network meets its criterion on {task} with {given or 'defaults'}, "
                f"after {ended.trials_to_criterion} trials"
            )
            right = ended.final_accuracy
            assert right < 0.95 or not hard, (
                f"{right:.0%} of the last trials of {task} are right with "
                f"{given or 'defaults'}"
            )
    assert members, "no network of this rule can be given any of the decision tasks"


def _decisions() -> dict[str, bool]:
    """Tasks that ask for signs, and whether for so many that none is met by luck."""
    found = {}
    for name in TASKS:
        about = TASKS[name].settings
        if about.target_kind == "signs" and not about.requires_package:
            found[name] = example_of(about).types >= TYPES
    return found


def _untaught(rule: str, task: str, given: dict[str, Any]) -> list[PlannedNetwork]:
    """Networks of a sweep with these settings; [] where they cannot be given."""
    about = RULES[rule].settings
    own = {"learning_rate": 0.0}
    own |= {"batch_trials": BATCH} if "batch_trials" in about.model_fields else {}
    sections: dict[str, dict[str, Any]] = {
        "task": {"name": task},
        "rule": {"name": rule, **about.example, **own},
        "network": {**about.small_network, "dt_s": STEP_S},
    }
    for path, value in given.items():
        section, setting = path.split(".")
        sections[section][setting] = value
    until = {"accuracy": 0.95, "window": 100}
    try:
        return planned(**sections, count=1, trials=TRIALS, until=until)
    except ConfigError:
        return []
