"""The numbers that claims are judged by, each an estimate over seeds.

Every function answers with an estimate that is not known (NaN) where the run lacks its
conditions, or too few networks of them met their criterion.
"""

from __future__ import annotations

import numpy as np

from popnet.studies.rules.design import MATCHED
from popnet.studies.rules.estimates import (
    SeedEstimate,
    average,
    difference,
    nothing,
    slope,
)
from popnet.studies.rules.tables import RulesTables

GEOMETRY = "svcca"


def by_rule(
    tables: RulesTables,
    metric: str,
    version: str,
    task: str,
    scale: float | None = None,
) -> SeedEstimate:
    """How far rules lie apart on a task (``Distances.separation``), no unit.

    At the task's base noise, and its base initial scale or another.
    """
    conditions = tables.enough(tables.design.by_rule(version, task, scale))
    return tables.distances(metric).separation(list(conditions.values()))


def decoded(tables: RulesTables, metric: str, version: str, task: str) -> SeedEstimate:
    """Share of networks whose nearest neighbour has their rule, less chance."""
    conditions = tables.enough(tables.design.by_rule(version, task))
    return tables.distances(metric).decoded(list(conditions.values()))


def noise_by_rule(
    tables: RulesTables, metric: str, task: str
) -> dict[str, SeedEstimate]:
    """How far levels of noise lie apart within each rule, no unit."""
    found = {}
    for rule, levels in tables.design.by_noise(task).items():
        conditions = list(tables.enough(levels).values())
        one = tables.distances(metric).separation(conditions)
        if np.isfinite(one.whole):
            found[rule] = one
    return found


def by_noise(tables: RulesTables, metric: str, task: str | None) -> SeedEstimate:
    """The mean over rules of how far levels of noise lie apart, no unit."""
    found = noise_by_rule(tables, metric, task) if task else {}
    return average(list(found.values())) if found else nothing(len(tables.seeds))


def most_complex(tables: RulesTables) -> str | None:
    """The task with most contexts, two or more, of which the noise varies."""
    tasks = [t for t in tables.design.tasks if tables.design.contexts(t) > 1]
    return next((t for t in reversed(tasks) if tables.design.by_noise(t)), None)


def noise_over_contexts(tables: RulesTables, metric: str) -> SeedEstimate:
    """Slope of the separation by noise over the number of contexts, per context.

    Of the rules whose noise varies on every task on which that of any does, so that
    tasks do not differ in their rules.  Random dots have one context.
    """
    by_task = {t: noise_by_rule(tables, metric, t) for t in tables.design.tasks}
    by_task = {task: found for task, found in by_task.items() if found}
    contexts = [tables.design.contexts(task) for task in by_task]
    if len(set(contexts)) < 2:
        return nothing(len(tables.seeds))
    rules = set.intersection(*(set(found) for found in by_task.values()))
    if not rules:
        return nothing(len(tables.seeds))
    parts = [
        average([found[rule] for rule in sorted(rules)]) for found in by_task.values()
    ]
    return slope(contexts, parts)


def between_rules(
    tables: RulesTables, name: str, rule: str, other: str
) -> SeedEstimate:
    """A measure of one rule less that of another, the mean over the tasks of both."""
    found = []
    for task in tables.design.tasks:
        conditions = tables.enough(tables.design.by_rule(MATCHED, task))
        if {rule, other} <= set(conditions):
            one = mean_of(tables, name, conditions[rule])
            found.append(difference(one, mean_of(tables, name, conditions[other])))
    return _average(tables, found)


def over_scale(tables: RulesTables, name: str, rule: str) -> SeedEstimate:
    """Slope of a measure over the initial scale, per unit of it; mean over tasks."""
    found = []
    for task in tables.design.tasks:
        levels = tables.design.by_scale(task).get(rule, {})
        parts = {scale: mean_of(tables, name, c) for scale, c in levels.items()}
        parts = {scale: p for scale, p in parts.items() if np.isfinite(p.whole)}
        if len(parts) > 1:
            found.append(slope(list(parts), list(parts.values())))
    return _average(tables, found)


def scale_less_rule(tables: RulesTables, metric: str) -> SeedEstimate:
    """How far scales lie apart within a rule, less rules at a scale, no unit.

    Of the rules and scales of a task that are all crossed; the mean over such tasks.
    """
    found = []
    for task in tables.design.tasks:
        crossed = {
            rule: tables.enough(levels)
            for rule, levels in tables.design.by_scale(task).items()
        }
        most = max((len(levels) for levels in crossed.values()), default=0)
        crossed = {rule: own for rule, own in crossed.items() if len(own) == most}
        if (
            most < 2
            or len(crossed) < 2
            or len({tuple(c) for c in crossed.values()}) > 1
        ):
            continue
        own = [list(levels.values()) for levels in crossed.values()]
        distances = tables.distances(metric)
        scales = average([distances.separation(row) for row in own])
        rules = average([distances.separation(list(c)) for c in zip(*own, strict=True)])
        found.append(difference(scales, rules))
    return _average(tables, found)


def log2_mean(tables: RulesTables, name: str, condition: str) -> SeedEstimate:
    """log2 of the mean of a measure over the networks of a condition."""
    found = tables.mean(name, condition)
    with np.errstate(divide="ignore", invalid="ignore"):
        return found._replace(value_D=np.log2(found.value_D))


RANK = "weight_change_rank"


def mean_of(tables: RulesTables, name: str, condition: str) -> SeedEstimate:
    """The mean of a measure; of the rank of weight changes log2 of it."""
    return (log2_mean if name == RANK else RulesTables.mean)(tables, name, condition)


def _average(tables: RulesTables, found: list[SeedEstimate]) -> SeedEstimate:
    known = [one for one in found if np.isfinite(one.whole)]
    return average(known) if known else nothing(len(tables.seeds))
