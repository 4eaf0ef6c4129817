"""A perturbation at its top level does something to every kind of network."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Literal, get_args, get_origin

from popnet.config import ConfigError, PerturbationSettings
from popnet.core.cell import Params
from popnet.engine.activity import rates_of
from popnet.engine.population import start
from popnet.perturbations import PERTURBATIONS, resting
from popnet.plan import PlannedNetwork
from popnet.rules import RULES
from popnet.testing.checking import example_of
from popnet.testing.learning import stepped
from popnet.testing.networks import CPU, planned

STEPS = 3
"""Steps that a network learns: the weights of some kinds are 0 until they learn."""
NOTICED = 1e-4
"""The least change of rates that is one, in their largest size at rest."""


def at_its_top_it_changes_every_kind_of_network(name: str) -> None:
    """The default network of every rule, or it says in a line that it cannot.

    In each of its modes: for each choice that its settings offer.
    """
    for settings, (member, params) in product(modes(name), learners(name)):
        level = max(settings.levels)
        kind = f"networks of rule {member.config.rule.name}"
        why = settings.refuse(member.config) or settings.idle(member.config)
        if why is not None:
            assert why and "\n" not in why, f"{kind} are refused in several lines"
            continue
        rest = resting(params, member.config)
        changed = PERTURBATIONS[name].apply(settings, level, rest, member.seed)
        before, after = (rates_of(s, member.seed, 1) for s in (rest, changed))
        if before.shape != after.shape:
            continue
        moved = float((after - before).abs().max())
        least = NOTICED * float(before.abs().max())
        about = settings.model_dump(exclude={"levels"}, exclude_none=True)
        assert moved > least, f"level {level:g} of {about} leaves {kind} as they were"


def modes(name: str) -> Iterator[PerturbationSettings]:
    """The perturbation's ``example``, with each choice of each of its settings."""
    model = PERTURBATIONS[name].settings
    yield example_of(model)
    for field, info in model.model_fields.items():
        choices = get_args(info.annotation)
        if get_origin(info.annotation) is Literal and len(choices) > 1:
            for choice in choices:
                yield model(**{**model.example, field: choice})


def learners(name: str) -> Iterator[tuple[PlannedNetwork, Params]]:
    """A network of each rule's default kind, that has learned for some steps.

    It is on the perturbation's ``small_task``, or where the rule does not learn such a
    task, on the rule's own.
    """
    task = example_of(PERTURBATIONS[name].settings).small_task
    for rule in RULES:
        yield _learned(rule, tuple(task.items()))


@lru_cache(maxsize=64)
def _learned(rule: str, given: tuple[tuple[str, object], ...]) -> tuple[
    PlannedNetwork, Params
]:  # fmt: skip
    about = example_of(RULES[rule].settings)
    section = {"name": rule, **about.example}
    try:
        members = planned(dict(given), section, about.small_network, 1)
    except ConfigError:
        members = planned(about.small_task, section, about.small_network, 1)
    return members[0], stepped(start(members, CPU), STEPS).params
