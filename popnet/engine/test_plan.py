"""Plans the tests of a trained network: its own task, perturbations, other tasks.

A test has an identity, a hash of everything it depends on, so that after the list of
tests has grown only the new ones are run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from popnet.canonical import (
    ByIdentity,
    canonical,
    canonical_texts,
    digests,
    settings_text,
)
from popnet.config import (
    After,
    Impulses,
    MeasureSettings,
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
    """The name of the task or perturbation; "" for activity at rest."""
    settings: str
    """Settings that distinguish it from tests of that name: ``settings_text``."""
    level: float
    change: Callable[[Situation, Seed], Situation]
    """Changes the network at rest on its own task into the situation of the test."""

    def situation(self, params: Params, config: NetworkConfig, seed: Seed) -> Situation:
        """Return the situation in which this test runs a network (P = 1)."""
        return self.change(resting(params, config), seed)


class AskedMeasure(NamedTuple):
    """A measurement that ``after.measures`` asks of a network."""

    identity: str
    settings: MeasureSettings
    test: Test | None
    """The activity it is measured of; None for weights and learning curves."""


class Asked(NamedTuple):
    """All tests and measurements of networks of one configuration."""

    tests: list[Test]
    dynamics: list[Test]
    """Measurements of activity."""
    measures: list[AskedMeasure]


class _Question(NamedTuple):
    """A test that is not yet bound to a configuration, which gives it an identity."""

    kind: str
    name: str
    settings: str
    level: float
    what: tuple[str, ...]
    """The texts that are hashed, with the configuration's, to its identity."""
    change: Callable[[Situation, Seed], Situation]


_Perturbing = tuple[PerturbationSettings, _Question]


class TestPlan:
    """The tests that ``after`` asks of networks of one configuration after another."""

    __test__ = False  # not a test of popnet's own

    def __init__(self, after: After) -> None:
        self._trials = str(after.trials)
        self._text_of = canonical_texts()
        self._task_text = ByIdentity(canonical)
        self._task_settings = ByIdentity(settings_text)
        self._last: tuple[NetworkConfig, Asked] | None = None
        self._others = [_of_task(o, canonical(o)) for o in after.other_tasks]
        self._perturbed = [
            (graded[0], _perturbed("perturbation", ("perturbation",), *graded))
            for graded in _graded(after.perturb)
        ]
        self._at_rest: list[_Question] = []
        self._under: list[_Perturbing] = []
        if after.dynamics is not None:
            for state in ("untrained", "trained"):
                what = ("dynamics", state)
                self._at_rest.append(_Question(state, "", "{}", 0.0, what, _unchanged))
            self._under = [
                (graded[0], _perturbed("trained", ("dynamics", "trained"), *graded))
                for graded in _graded(after.dynamics)
            ]
        self._measures = [(m, canonical(m)) for m in after.measures]

    def asked(self, config: NetworkConfig) -> Asked:
        """Return all that is asked of a network of this configuration.

        Calls one after the other with the same configuration return one result.
        """
        if self._last is None or self._last[0] is not config:
            of_activity = self._of_activity(config)
            dynamics = _different(self._moves(config), of_activity)
            asked = Asked(
                self.tests(config), dynamics, self._measured(dynamics, of_activity)
            )
            self._last = config, asked
        return self._last[1]

    def tests(self, config: NetworkConfig) -> list[Test]:
        """Return every test of the performance of such a network."""
        return _different(self._tests(config), self._of_tests(config))

    def identities(self, config: NetworkConfig) -> list[str]:
        """Return the identities of all that is asked of such a network, in order."""
        of_test, of_activity = self._of_tests(config), self._of_activity(config)
        tests = dict.fromkeys(of_test(*q.what) for q in self._tests(config))
        moves = dict.fromkeys(of_activity(*q.what) for q in self._moves(config))
        measures = dict.fromkeys(
            of_activity("measure", text, *on)
            for settings, text in self._measures
            for on in (((m,) for m in moves) if settings.of_activity() else ((),))
        )
        return [*tests, *moves, *measures]

    def _of_tests(self, config: NetworkConfig) -> Callable[..., str]:
        return digests(str(PHYSICS), self._trials, self._text_of(config), size=8)

    def _of_activity(self, config: NetworkConfig) -> Callable[..., str]:
        # how many trials are behind it is fixed: no part of ``after`` is in it
        return digests(str(PHYSICS), self._text_of(config), size=8)

    def _measured(
        self, dynamics: list[Test], identity: Callable[..., str]
    ) -> list[AskedMeasure]:
        found: dict[str, AskedMeasure] = {}
        for settings, text in self._measures:
            for test in dynamics if settings.of_activity() else (None,):
                on = () if test is None else (test.identity,)
                name = identity("measure", text, *on)
                found[name] = AskedMeasure(name, settings, test)
        return list(found.values())

    def _tests(self, config: NetworkConfig) -> list[_Question]:
        task = config.task
        own = _of_task(task, self._task_text(task), self._task_settings(task))
        quiet = own._replace(kind="quiet", what=("quiet",), change=_quiet)
        # the same task may be asked again, with other settings than the own
        others = [o for o in self._others if o.what != own.what]
        return [own, quiet, *others, *_changing(self._perturbed, config)]

    def _moves(self, config: NetworkConfig) -> list[_Question]:
        """Return the measurements of activity, at rest and perturbed."""
        return [*self._at_rest, *_changing(self._under, config)]


def _changing(graded: list[_Perturbing], config: NetworkConfig) -> list[_Question]:
    """Return the questions whose perturbation changes networks of ``config``."""
    return [question for settings, question in graded if settings.idle(config) is None]


def planned_tests(after: After, config: NetworkConfig) -> list[Test]:
    """Return every test that ``after`` asks of a network of this configuration."""
    return TestPlan(after).tests(config)


def dynamics(after: After, config: NetworkConfig) -> list[Test]:
    """Return every measurement of activity that ``after`` asks of such a network."""
    return TestPlan(after).asked(config).dynamics


def _different(asked: list[_Question], identity: Callable[..., str]) -> list[Test]:
    tests: dict[str, Test] = {}
    for one in asked:
        name = identity(*one.what)
        about = one.kind, one.name, one.settings, one.level, one.change
        tests[name] = Test(name, *about)
    return list(tests.values())


def _of_task(task: TaskSettings, text: str, settings: str | None = None) -> _Question:
    settings = settings_text(task) if settings is None else settings
    what = ("task", text)
    return _Question("task", task.name, settings, 0.0, what, _with_task(task))


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
    """Yield each perturbation with each of its levels."""
    for settings in perturbations:
        for level in settings.levels:
            yield settings, level


def _perturbed(
    kind: str, first: tuple[str, ...], settings: PerturbationSettings, level: float
) -> _Question:
    # one level as text, whatever the other levels are
    what = json.loads(canonical(settings))
    what.pop("levels", None)
    about = (*first, json.dumps(what), json.dumps(level))
    name, text = settings.name, settings_text(settings)
    return _Question(kind, name, text, level, about, _change(settings, level))


def _change(
    settings: PerturbationSettings, level: float
) -> Callable[[Situation, Seed], Situation]:
    apply = PERTURBATIONS[settings.name].apply

    def change(situation: Situation, seed: Seed) -> Situation:
        return apply(settings, level, situation, seed)

    return change
