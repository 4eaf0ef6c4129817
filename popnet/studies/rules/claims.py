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

from popnet.studies.rules import effects
from popnet.studies.rules.answers import answers
from popnet.studies.rules.design import COMPLEX, MATCHED, SIDES, SIMPLE, task_words
from popnet.studies.rules.effects import GEOMETRY
from popnet.studies.rules.statements import (
    APART,
    DECODED,
    SEPARATION,
    Statement,
    claim,
)
from popnet.studies.rules.tables import RulesTables

TAUGHT = (SIMPLE, *(f"{COMPLEX}_{n}" for n in range(1, 7)))
SEVERAL = TAUGHT[2:]
"""Tasks with two contexts or more."""
TOPOLOGIES = {"topology": "topology", "neighbours": "neighbour_inputs"}
"""Metrics of topology by the first word of a claim: a proper distance, the paper's."""
MEASURE_WORDS = {
    "topology": "numbers of fixed points and connections",
    "neighbours": "the paper's measure",
}
VERSION_WORDS = {MATCHED: "matched", "published": "as published"}
PER_CONTEXT = 0.02
"""Smallest slope of interest of a separation over contexts."""


def _of_rules(task: str, version: str) -> Callable[[RulesTables], list[str]]:
    def uses(tables: RulesTables) -> list[str]:
        found = tables.design.by_rule(version, task)
        return list(found.values()) if len(found) > 1 else []

    return uses


def _by_rule() -> Iterator[Statement]:
    """[a]: what depends on the rule, and what does not."""
    for version in SIDES:
        kind = VERSION_WORDS[version]
        for task in TAUGHT:
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
        for word, metric in TOPOLOGIES.items():
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
    for word, metric in TOPOLOGIES.items():
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


SAID = (*_by_rule(), *_by_noise(), *answers())
JUDGED = tuple(claim(one) for one in SAID)
