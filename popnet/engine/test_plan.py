"""Which tests a trained network meets: its own task, perturbations, other tasks.

A test has an identity of its own (a hash of what it asks), so that a longer list of
tests later asks only for the new ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from popnet.canonical import ByIdentity, canonical, canonical_texts, digests, label
from popnet.config import (
    After,
    Impulses,
    NetworkConfig,
    PerturbationSettings,
    TaskSettings,
)
from popnet.core.cell import Params
from popnet.perturbations import PERTURBATIONS, Situation, resting
from popnet.plan import PHYSICS
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


class Asked(NamedTuple):
    """A test as ``after`` asks it; with a configuration it is a ``Test``."""

    kind: str
    name: str
    level: float
    what: tuple[str, ...]
    """What it is, as text: with the configuration's its identity."""
    change: Callable[[Situation, Seed], Situation]


class TestPlan:
    """The tests that ``after`` asks of networks of one configuration after another."""

    __test__ = False  # not a test of popnet's own

    def __init__(self, after: After) -> None:
        self._trials = str(after.trials)
        self._text_of = canonical_texts()
        self._task_text = ByIdentity(canonical)
        self._others = [_of_task(other, label(other)) for other in after.other_tasks]
        self._perturbed = [
            _perturbed("perturbation", ("perturbation",), *graded)
            for graded in _graded(after.perturb)
        ]
        self._activity: list[Asked] = []
        if after.dynamics is not None:
            for state in ("untrained", "trained"):
                rest = Asked(state, "", 0.0, ("dynamics", state), _unchanged)
                self._activity.append(rest)
            self._activity += [
                _perturbed("trained", ("dynamics", "trained"), *graded)
                for graded in _graded(after.dynamics)
            ]

    def tests(self, config: NetworkConfig) -> list[Test]:
        """Every test of what such a network can do."""
        return _different(self._tests(config), self._of_tests(config))

    def dynamics(self, config: NetworkConfig) -> list[Test]:
        """Every measurement of such a network's activity."""
        return _different(self._activity, self._of_activity(config))

    def identities(self, config: NetworkConfig) -> list[str]:
        """The identities of both, in order."""
        of_test, of_activity = self._of_tests(config), self._of_activity(config)
        tests = dict.fromkeys(of_test(*a.what) for a in self._tests(config))
        moves = dict.fromkeys(of_activity(*a.what) for a in self._activity)
        return [*tests, *moves]

    def _of_tests(self, config: NetworkConfig) -> Callable[..., str]:
        return digests(str(PHYSICS), self._trials, self._text_of(config), size=8)

    def _of_activity(self, config: NetworkConfig) -> Callable[..., str]:
        # how many trials are behind it is fixed: no part of ``after`` is in it
        return digests(str(PHYSICS), self._text_of(config), size=8)

    def _tests(self, config: NetworkConfig) -> list[Asked]:
        task = config.task
        text = self._task_text(task)
        own = Asked("task", task.name, 0.0, ("task", text), _with_task(task))
        quiet = Asked("quiet", task.name, 0.0, ("quiet",), _quiet)
        others = [
            # the same task with other settings than the own
            o._replace(name=f"{o.name}(defaults)") if o.name == task.name else o
            for o in self._others
            if o.what[1] != text
        ]
        return [own, quiet, *others, *self._perturbed]


def tests_of(after: After, config: NetworkConfig) -> list[Test]:
    """Every test that ``after`` asks of a network of this configuration."""
    return TestPlan(after).tests(config)


def dynamics(after: After, config: NetworkConfig) -> list[Test]:
    """Every measurement of activity that ``after`` asks of such a network."""
    return TestPlan(after).dynamics(config)


def _different(asked: list[Asked], identity: Callable[..., str]) -> list[Test]:
    tests: dict[str, Test] = {}
    for one in asked:
        name = identity(*one.what)
        tests[name] = Test(name, one.kind, one.name, one.level, one.change)
    return list(tests.values())


def _of_task(task: TaskSettings, name: str) -> Asked:
    return Asked("task", name, 0.0, ("task", canonical(task)), _with_task(task))


def _with_task(task: TaskSettings) -> Callable[[Situation, Seed], Situation]:
    def change(situation: Situation, _: Seed) -> Situation:
        return situation._replace(task=task)

    return change


def _quiet(situation: Situation, _: Seed) -> Situation:
    return situation._replace(impulses=Impulses())


def _unchanged(situation: Situation, _: Seed) -> Situation:
    return situation


Graded = tuple[PerturbationSettings, float]


def _graded(perturbations: Iterable[PerturbationSettings]) -> Iterator[Graded]:
    """Each perturbation with each of its levels."""
    for settings in perturbations:
        for level in settings.levels:
            yield settings, level


def _perturbed(
    kind: str, first: tuple[str, ...], settings: PerturbationSettings, level: float
) -> Asked:
    # one level as text, whatever the other levels are
    what = json.loads(canonical(settings))
    what.pop("levels", None)
    about = (*first, json.dumps(what), json.dumps(level))
    return Asked(kind, label(settings), level, about, _change(settings, level))


def _change(
    settings: PerturbationSettings, level: float
) -> Callable[[Situation, Seed], Situation]:
    apply = PERTURBATIONS[settings.name].apply

    def change(situation: Situation, seed: Seed) -> Situation:
        return apply(settings, level, situation, seed)

    return change
