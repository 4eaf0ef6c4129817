"""Which tests a trained network meets: its own task, perturbations, other tasks.

A test has an identity of its own (a hash of what it asks), so that a longer list of
tests later asks only for the new ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

from popnet.config import (
    After,
    Impulses,
    NetworkConfig,
    PerturbationSettings,
    TaskSettings,
)
from popnet.core.cell import Params
from popnet.perturbations import PERTURBATIONS, Situation, resting
from popnet.plan import PHYSICS, canonical, digest, label
from popnet.seeding import Seed


class Test(NamedTuple):
    """One test of a frozen network."""

    __test__ = False  # not a test of popnet's own

    identity: str
    kind: str
    """task, quiet (own task without exploratory impulses) or perturbation; of activity:
    untrained or trained, the network as it was drawn or as it became."""
    name: str
    level: float
    change: Callable[[Situation, Seed], Situation]
    """From the network at rest on its own task to what it meets."""

    def situation(self, params: Params, config: NetworkConfig, seed: Seed) -> Situation:
        """What this test puts a network (P = 1) into."""
        return self.change(resting(params, config), seed)


def battery(after: After, config: NetworkConfig) -> list[Test]:
    """Every test that ``after`` asks of a network of this configuration."""
    tests = [_task(after, config, config.task), _quiet(after, config)]
    tests += [
        _task(after, config, other)
        for other in after.other_tasks
        if canonical(other) != canonical(config.task)
    ]
    for settings in after.perturb:
        tests += [
            _perturbed(after, config, settings, level) for level in settings.levels
        ]
    unique = {test.identity: test for test in tests}
    return list(unique.values())


def dynamics(after: After, config: NetworkConfig) -> list[Test]:
    """Every measurement of activity that ``after`` asks of such a network."""
    if after.dynamics is None:
        return []
    tests = [_activity(config, state, None) for state in ("untrained", "trained")]
    tests += [
        _activity(config, "trained", (settings, level))
        for settings in after.dynamics
        for level in settings.levels
    ]
    unique = {test.identity: test for test in tests}
    return list(unique.values())


def _identity(after: After, config: NetworkConfig, *parts: str) -> str:
    return digest(str(PHYSICS), str(after.trials), canonical(config), *parts, size=8)


def _task(after: After, config: NetworkConfig, task: TaskSettings) -> Test:
    def change(situation: Situation, _: Seed) -> Situation:
        return situation._replace(task=task)

    own = canonical(task) == canonical(config.task)
    name = task.name if own else label(task)
    if not own and name == config.task.name:
        name = f"{name}(defaults)"  # the same task with other settings than the own
    identity = _identity(after, config, "task", canonical(task))
    return Test(identity, "task", name, 0.0, change)


def _quiet(after: After, config: NetworkConfig) -> Test:
    def change(situation: Situation, _: Seed) -> Situation:
        return situation._replace(impulses=Impulses())

    identity = _identity(after, config, "quiet")
    return Test(identity, "quiet", config.task.name, 0.0, change)


def _perturbed(
    after: After, config: NetworkConfig, settings: PerturbationSettings, level: float
) -> Test:
    identity = _identity(after, config, "perturbation", *_what(settings, level))
    change = _change(settings, level)
    return Test(identity, "perturbation", label(settings), level, change)


def _what(settings: PerturbationSettings, level: float) -> tuple[str, str]:
    """One level of a perturbation as text, whatever its other levels are."""
    what = json.loads(canonical(settings))
    what.pop("levels", None)
    return json.dumps(what), json.dumps(level)


def _change(
    settings: PerturbationSettings, level: float
) -> Callable[[Situation, Seed], Situation]:
    apply = PERTURBATIONS[settings.name].apply

    def change(situation: Situation, seed: Seed) -> Situation:
        return apply(settings, level, situation, seed)

    return change


def _activity(
    config: NetworkConfig,
    state: str,
    perturbed: tuple[PerturbationSettings, float] | None,
) -> Test:
    # how many trials are behind it is fixed: no part of ``after`` is in the identity
    about = (str(PHYSICS), canonical(config), "dynamics", state)
    if perturbed is None:
        return Test(
            digest(*about, size=8), state, "", 0.0, lambda situation, _: situation
        )
    settings, level = perturbed
    identity = digest(*about, *_what(settings, level), size=8)
    return Test(identity, state, label(settings), level, _change(settings, level))
