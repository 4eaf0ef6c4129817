"""What was said after the paper, of further rules and first weights; matched alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from popnet.studies.rules import effects
from popnet.studies.rules.design import MATCHED
from popnet.studies.rules.effects import GEOMETRY, RANK
from popnet.studies.rules.statements import APART, DECODED, SEPARATION, Statement
from popnet.studies.rules.tables import LEARNING, RulesTables

DOUBLINGS = 0.25
PER_SCALE = 0.5
"""... of the slope of log2 trials over the initial scale"""
LOCAL = {"eprop": "e-prop", "reward_hebbian": "reward-modulated Hebbian learning"}
"""Rules that use nothing but what a synapse and a signal to all know."""


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


def answers() -> Iterator[Statement]:
    """What was said since, of further rules and of first weights; matched alone."""
    yield from _of_motion()
    yield from _of_scale()
    yield from _of_local_rules()


def _of_motion() -> Iterator[Statement]:
    """Whether policy gradients make attractors that move."""
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


def _of_scale() -> Iterator[Statement]:
    """Whether first weights matter more than the rule."""
    yield Statement(
        "scale_beats_rule",
        "Geometry depends on the initial scale more than on the rule (Liu, Yang & "
        "Cueva 2025).",
        "separation by SVCCA of initial scales within a rule less that of rules at a "
        f"scale, mean over tasks: {SEPARATION}",
        "explained", APART, "of 1", "above",
        lambda t: effects.scale_less_rule(t, GEOMETRY),
        _crossed, metric=GEOMETRY,
    )  # fmt: skip


def _of_local_rules() -> Iterator[Statement]:
    """Whether local rules need the right first weights, and change few directions."""
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
