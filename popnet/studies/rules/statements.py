"""One statement of the study of learning rules, and how it becomes a claim."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from popnet.studies.evidence import Evidence, Not, above, below, within
from popnet.studies.rules.design import task_words
from popnet.studies.rules.distances import FEWEST_NETWORKS
from popnet.studies.rules.estimates import SeedEstimate
from popnet.studies.rules.tables import RulesTables
from popnet.studies.study import Claim, Judgement

SEPARATION = (
    "(between - within) / (between + within) of mean distances over pairs of two "
    "seeds, jackknifed over seeds"
)
APART = 0.05
"""Smallest separation of interest; within / between is then 0.905."""
DECODED = 0.1
"""... of a share of networks"""
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
    number: Callable[[RulesTables], SeedEstimate]
    uses: Callable[[RulesTables], list[str]]
    """the conditions that it is about"""
    failures: bool = False
    """networks that never met their criterion count too, at their cap"""
    metric: str = ""
    """the distances that it is of"""


def evidence(found: SeedEstimate, prediction: Prediction, smallest: float) -> Evidence:
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


def _note(tables: RulesTables, statement: Statement, found: SeedEstimate) -> str:
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


def claim(statement: Statement) -> Claim[RulesTables]:
    """The statement as a claim that the frame judges."""

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
