"""The statements of McMahan, Kleinman & Kao (NeurIPS 2021), and of those who answered.

[a] On complex tasks the topology of attractors does not depend on the rule, the
geometry of activity does; [b] on simple tasks topology depends on the input's noise;
[c] with complexity it ceases to.  Each is judged as published (every rule with its own
network) and matched (rules differ in nothing else), by a proper distance of topologies
and by the paper's own.  Their matrix of SVCCA distances has separations of 0.09 to
0.19, in the form of ``Distances.separation``: a little more than half of the least is
the smallest of interest.  All smallest effects were decided before any network was
trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import numpy as np

from popnet.studies.evidence import Evidence, Not, above, below, within
from popnet.studies.rules import effects
from popnet.studies.rules.design import (
    COMPLEX,
    MATCHED,
    SIMPLE,
    VERSIONS,
    task_words,
)
from popnet.studies.rules.distances import FEWEST_NETWORKS
from popnet.studies.rules.effects import GEOMETRY, RANK
from popnet.studies.rules.estimates import Estimate
from popnet.studies.rules.tables import LEARNING, RulesTables
from popnet.studies.study import Claim, Judgement

TASKS = (SIMPLE, *(f"{COMPLEX}_{n}" for n in range(1, 7)))
SEVERAL = TASKS[2:]
"""Tasks with two contexts or more."""
MEASURES = {"topology": "topology", "neighbours": "neighbour_inputs"}
"""Metrics of topology by the first word of a claim: a proper distance, the paper's."""
MEASURE_WORDS = {
    "topology": "numbers of fixed points and connections",
    "neighbours": "the paper's measure",
}
VERSION_WORDS = {MATCHED: "matched", "published": "as published"}
SEPARATION = (
    "(between - within) / (between + within) of mean distances over pairs of two "
    "seeds, jackknifed over seeds"
)
APART = 0.05
"""Smallest separation of interest; within / between is then 0.905."""
PER_CONTEXT = 0.02
"""... of its slope over contexts"""
DECODED = 0.1
"""... of a share of networks"""
DOUBLINGS = 0.25
PER_SCALE = 0.5
"""... of the slope of log2 trials over the initial scale"""
Prediction = Literal["above", "below", "within", "either"]


class Statement(NamedTuple):
    """A claim before it is put into the frame's form."""

    name: str
    says: str
    statistic: str
    figure: str
    smallest: float
    unit: str
    prediction: Prediction
    number: Callable[[RulesTables], Estimate]
    uses: Callable[[RulesTables], list[str]]
    """the conditions that it is about"""
    failures: bool = False
    """networks that never met their criterion count too, at their cap"""
    metric: str = ""
    """the distances that it is of"""


def evidence(found: Estimate, prediction: Prediction, smallest: float) -> Evidence:
    """The evidence for a prediction; either: away from 0, on any side."""
    values = found.values
    if prediction == "above":
        return above(values, smallest)._replace(limits=found.limits)
    if prediction == "below":
        return below(values, -smallest)
    part = within(values, smallest)
    return part if prediction == "within" else Not(part)


def _named(tables: RulesTables, conditions: list[str]) -> str:
    """Conditions in words."""
    places = [tables.design.places[condition] for condition in conditions]
    return "; ".join(
        f"{p.rule.replace('_', ' ')}, {task_words(p.task)}, noise {p.sigma:g}, "
        f"scale {p.scale:g}"
        for p in places
    )


def _note(tables: RulesTables, statement: Statement, found: Estimate) -> str:
    """What is missing, and of whom too few learned."""
    conditions = statement.uses(tables)
    if not conditions:
        return "Not in this sweep."
    few = [c for c in conditions if tables.met(c)[0] < FEWEST_NETWORKS]
    words = []
    if statement.failures:
        met, every = np.sum([tables.met(c) for c in conditions], axis=0)
        if met < every:
            words.append(f"{every - met} of {every} networks stand at their cap.")
    elif few:
        words.append(
            f"Left out, with fewer than {FEWEST_NETWORKS} networks that met their "
            f"criterion: {_named(tables, few)}."
        )
    known = tables.distances(statement.metric).known(conditions)
    missing = [c for c in conditions if c not in known and c not in few]
    if statement.metric and known and missing:
        names = _named(tables, missing)
        words.append(f"Left out, without distances of their networks: {names}.")
    if not np.isfinite(found.whole):
        words.append("Not compared.")
    elif not np.isfinite(found.effect.low):
        words.append("Too few seeds differ, so that there is no interval.")
    return " ".join(words)


def _claim(statement: Statement) -> Claim[RulesTables]:
    def judge(tables: RulesTables, smallest: float) -> Judgement:
        found = statement.number(tables)
        return Judgement(
            found.effect,
            statement.unit,
            evidence(found, statement.prediction, smallest),
            _note(tables, statement, found),
        )

    predicted = {
        "above": "predicted above none",
        "below": "predicted below none",
        "within": "predicted within the smallest effect of interest",
        "either": "predicted beyond the smallest effect of interest, on any side",
    }[statement.prediction]
    return Claim(
        statement.name,
        statement.says,
        f"{statement.statistic}; {predicted}",
        statement.figure,
        statement.smallest,
        statement.unit,
        judge,
    )


def _of_rules(task: str, version: str) -> Callable[[RulesTables], list[str]]:
    def uses(tables: RulesTables) -> list[str]:
        found = tables.design.by_rule(version, task)
        return list(found.values()) if len(found) > 1 else []

    return uses


def _by_rule() -> Iterator[Statement]:
    """[a]: what depends on the rule, and what does not."""
    for version in VERSIONS:
        kind = VERSION_WORDS[version]
        for task in TASKS:
            about = f"{task_words(task)}, {kind}"
            uses = _of_rules(task, version)
            yield Statement(
                f"geometry_by_rule_{task}_{version}",
                f"Representational geometry depends on the learning rule ({about}).",
                f"separation of rules by SVCCA: {SEPARATION}",
                "geometry", APART, "of 1", "above",
                lambda t, v=version, task=task: effects.by_rule(t, GEOMETRY, v, task),
                uses, metric=GEOMETRY,
            )  # fmt: skip
            yield Statement(
                f"decoded_rule_{task}_{version}",
                f"The nearest network tells the learning rule ({about}).",
                "share of networks whose nearest neighbour by SVCCA, of another seed, "
                "has their rule, less chance; a number per seed",
                "geometry", DECODED, "of 1", "above",
                lambda t, v=version, task=task: effects.decoded(t, GEOMETRY, v, task),
                uses, metric=GEOMETRY,
            )  # fmt: skip
        for word, metric in MEASURES.items():
            for task in SEVERAL:
                yield Statement(
                    f"{word}_by_rule_{task}_{version}",
                    "Attractor topology does not depend on the learning rule "
                    f"({task_words(task)}, {kind}; {MEASURE_WORDS[word]}).",
                    f"separation of rules by {MEASURE_WORDS[word]}: {SEPARATION}",
                    "topology", APART, "of 1", "within",
                    lambda t, m=metric, v=version, task=task: effects.by_rule(
                        t, m, v, task
                    ),
                    _of_rules(task, version), metric=metric,
                )  # fmt: skip


def _noisy(tables: RulesTables, task: str | None) -> list[str]:
    found = tables.design.by_noise(task) if task in tables.design.tasks else {}
    return [c for levels in found.values() for c in levels.values()]


def _every_noisy(tables: RulesTables) -> list[str]:
    tasks = [task for task in tables.design.tasks if tables.design.by_noise(task)]
    if len({tables.design.contexts(task) for task in tasks}) < 2:
        return []
    return [c for task in tasks for c in _noisy(tables, task)]


def _by_noise() -> Iterator[Statement]:
    """[b] and [c]: how topology depends on the noise of the input."""
    for word, metric in MEASURES.items():
        words = MEASURE_WORDS[word]
        statistic = f"separation of noise levels within a rule by {words}, {SEPARATION}"
        yield Statement(
            f"{word}_by_noise_simple",
            "On a simple task attractor topology depends on the input's noise "
            f"(random dots; {words}).",
            statistic,
            "topology", APART, "of 1", "above",
            lambda t, m=metric: effects.by_noise(t, m, SIMPLE),
            lambda t: _noisy(t, SIMPLE), metric=metric,
        )  # fmt: skip
        yield Statement(
            f"{word}_by_noise_complex",
            "On a complex task attractor topology does not depend on the input's noise "
            f"(the most contexts of which it varies; {words}).",
            statistic,
            "topology", APART, "of 1", "within",
            lambda t, m=metric: effects.by_noise(t, m, effects.most_complex(t)),
            lambda t: _noisy(t, effects.most_complex(t)), metric=metric,
        )  # fmt: skip
        yield Statement(
            f"{word}_noise_falls_with_complexity",
            "The more contexts, the less attractor topology depends on the input's "
            f"noise ({words}).",
            f"slope over contexts of: {statistic}",
            "topology", PER_CONTEXT, "per context", "below",
            lambda t, m=metric: effects.noise_over_contexts(t, m),
            _every_noisy, metric=metric,
        )  # fmt: skip


def _pair(rule: str, other: str) -> Callable[[RulesTables], list[str]]:
    def uses(tables: RulesTables) -> list[str]:
        both = (tables.design.by_rule(MATCHED, task) for task in tables.design.tasks)
        return [c[r] for c in both if {rule, other} <= set(c) for r in (rule, other)]

    return uses


def _scaled(rule: str) -> Callable[[RulesTables], list[str]]:
    def uses(tables: RulesTables) -> list[str]:
        found = (tables.design.by_scale(task) for task in tables.design.tasks)
        return [c for by_rule in found for c in by_rule.get(rule, {}).values()]

    return uses


def _crossed(tables: RulesTables) -> list[str]:
    """The conditions of tasks of which two rules or more have several scales."""
    found = (tables.design.by_scale(task) for task in tables.design.tasks)
    several = [by_rule for by_rule in found if len(by_rule) > 1]
    return [c for own in several for levels in own.values() for c in levels.values()]


def _answers() -> Iterator[Statement]:
    """What was said since, of further rules and of first weights; matched alone."""
    yield Statement(
        "moving_by_policy",
        "Attractors that move are more common after policy gradients than after BPTT "
        "(Kononov et al. 2025).",
        "share of runs at rest inputs that never come to rest, policy gradient less "
        "BPTT, mean over tasks, jackknifed over seeds",
        "motion", DECODED, "of 1", "above",
        lambda t: effects.between_rules(
            t, "moving_attractors", "policy_gradient", "bptt"
        ),
        _pair("policy_gradient", "bptt"),
    )  # fmt: skip
    yield Statement(
        "moving_by_scale",
        "After policy gradients, attractors that move are more common the larger the "
        "first weights (Kononov et al. 2025).",
        "slope over initial scale of the share of runs that never come to rest, mean "
        "over tasks, jackknifed over seeds",
        "motion", DECODED, "per unit of scale", "above",
        lambda t: effects.over_scale(t, "moving_attractors", "policy_gradient"),
        _scaled("policy_gradient"),
    )  # fmt: skip
    yield Statement(
        "scale_beats_rule",
        "Geometry depends on the initial scale more than on the rule (Liu, Yang & "
        "Cueva 2025).",
        "separation by SVCCA of initial scales within a rule less that of rules at a "
        f"scale, mean over tasks: {SEPARATION}",
        "variance", APART, "of 1", "above",
        lambda t: effects.scale_less_rule(t, GEOMETRY),
        _crossed, metric=GEOMETRY,
    )  # fmt: skip
    for rule, words in LOCAL.items():
        yield Statement(
            f"learning_by_scale_{rule}",
            f"How fast {words} learns, if at all, depends on the initial scale (Liu, "
            "Zhang & Liu 2024).",
            "slope over initial scale of log2 trials to criterion, failures at their "
            "cap, mean over tasks, jackknifed over seeds",
            "learning", PER_SCALE, "doublings per unit of scale", "either",
            lambda t, rule=rule: effects.over_scale(t, LEARNING, rule),
            _scaled(rule),
            failures=True,
        )  # fmt: skip
    for rule, words in LOCAL.items():
        yield Statement(
            f"rank_of_{rule}",
            f"{words[0].upper()}{words[1:]} changes weights at a lower rank than BPTT "
            "(Williams, Payeur & Lajoie 2026).",
            "log2 of the mean effective rank of the weight change less that of BPTT, "
            "mean over tasks, jackknifed over seeds",
            "weights", DOUBLINGS, "doublings", "below",
            lambda t, rule=rule: effects.between_rules(t, RANK, rule, "bptt"),
            _pair(rule, "bptt"),
        )  # fmt: skip


LOCAL = {"eprop": "e-prop", "reward_hebbian": "reward-modulated Hebbian learning"}
"""Rules that use nothing but what a synapse and a signal to all know."""
PARTS = (*_by_rule(), *_by_noise(), *_answers())
STATEMENTS = tuple(_claim(one) for one in PARTS)
