"""Every perturbation must do this, to networks of each form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from popnet.engine.evaluate import run
from popnet.engine.population import untrained
from popnet.perturbations import PERTURBATIONS, Situation, parts, resting
from popnet.rules import RULES
from popnet.seeding import Seed
from popnet.testing.checking import Check, example_of, run_checks, says_what_it_is
from popnet.testing.kinds_of_network import (
    at_its_top_it_changes_every_kind_of_network,
)
from popnet.testing.networks import CPU, copied, differing, planned
from popnet.testing.time_steps import (
    a_perturbation_does_the_same_at_half_the_time_step,
)

FORMS = ("current", "rate")
TRIALS = 3
"""Per trial type."""


class FrozenNetwork(NamedTuple):
    """An untrained network at rest, about to be perturbed."""

    situation: Situation
    seed: Seed


def subjects(name: str, count: int = 1) -> Iterator[list[FrozenNetwork]]:
    """For each form, networks on the perturbation's ``small_task``.

    Their rule is the first in the registry that learns in the form.
    """
    settings = example_of(PERTURBATIONS[name].settings)
    for form in FORMS:
        rule = next(
            rule for rule, about in RULES.items() if form in about.settings.forms
        )
        about = {"density": 0.8, "tau_s": {"spread": 0.3}, "form": form}
        members = planned(
            settings.small_task, {"name": rule}, {**about, **settings.small_network},
            count,
        )  # fmt: skip
        refused = settings.refuse(members[0].config)
        assert refused is None, f"its small network is refused: {refused}"
        yield [
            FrozenNetwork(resting(untrained([m], CPU), m.config), m.seed)
            for m in members
        ]


def perturbed(name: str, level: float, subject: FrozenNetwork) -> Situation:
    """The network's situation, perturbed."""
    settings = example_of(PERTURBATIONS[name].settings)
    return PERTURBATIONS[name].apply(settings, level, *subject)


def outputs(name: str, level: float, subject: FrozenNetwork) -> Tensor:
    """The outputs of a perturbed network, [P, B, T, O]."""
    situation = perturbed(name, level, subject)
    return run(situation, subject.seed, TRIALS).output_PBTO


def levels_of(name: str) -> tuple[float, ...]:
    """The levels at which it is tested."""
    return example_of(PERTURBATIONS[name].settings).levels


def same(one: Any, other: Any) -> bool:
    """True where two parts of a situation are the same, tensors bit for bit."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return torch.equal(one, other)
    return type(one) is type(other) and one == other


def level_0_is_the_identity(name: str) -> None:
    """Bit for bit, in inputs, answers and targets."""
    for (subject,) in subjects(name):
        rest = run(subject.situation, subject.seed, TRIALS)
        situation = perturbed(name, 0.0, subject)
        for a, b in zip(rest, run(situation, subject.seed, TRIALS), strict=True):
            assert same(torch.as_tensor(a), torch.as_tensor(b)), (
                "level 0 does something"
            )


def each_level_changes_something_else(name: str) -> None:
    """Levels from ``effective_from`` on give answers that differ from each other's."""
    smallest = example_of(PERTURBATIONS[name].settings).effective_from
    levels = [x for x in levels_of(name) if x == 0 or abs(x) >= smallest]
    for (subject,) in subjects(name):
        made = [outputs(name, level, subject) for level in levels]
        for i, one in enumerate(made):
            for j, other in enumerate(made[i + 1 :], i + 1):
                assert one.shape != other.shape or not torch.equal(one, other), (
                    f"levels {levels[i]:g} and {levels[j]:g} do the same"
                )


def changes_what_it_declares_alone(name: str) -> None:
    """The parts named in ``changes`` change at the last level, no others at any."""
    declared = example_of(PERTURBATIONS[name].settings).changes
    levels = levels_of(name)
    for (subject,) in subjects(name):
        before = parts(subject.situation)
        unknown = declared - set(before)
        assert not unknown, f"no parts of a situation: {sorted(unknown)}"
        for level in levels:
            after = parts(perturbed(name, level, subject))
            changed = {part for part in before if not same(before[part], after[part])}
            more = changed - declared
            assert not more, f"at level {level:g} it changes {sorted(more)} too"
            lacking = declared - changed if level == levels[-1] else set()
            assert not lacking, f"it leaves {sorted(lacking)} unchanged"


def the_same_again(name: str) -> None:
    """All that is random comes from the network's seed."""
    level = levels_of(name)[-1]
    for (subject,) in subjects(name):
        once, again = (outputs(name, level, subject) for _ in range(2))
        assert torch.equal(once, again), "the second time is another one"


def networks_do_not_depend_on_each_other(name: str) -> None:
    """Networks perturbed in another order answer the same."""
    level = levels_of(name)[-1]
    for crowd in subjects(name, count=3):
        there = [outputs(name, level, subject) for subject in crowd]
        back = [outputs(name, level, subject) for subject in reversed(crowd)]
        for a, b in zip(there, reversed(back), strict=True):
            assert torch.equal(a, b), "it depends on the networks before"


def the_network_itself_is_left_as_it_was(name: str) -> None:
    """Nothing is written into the tensors that were given."""
    for (subject,) in subjects(name):
        params = subject.situation.params
        before = copied(params)
        perturbed(name, levels_of(name)[-1], subject)
        written = differing(before, params)
        assert not written, f"written to: {sorted(written)}"


def shapes_and_types_stay(name: str) -> None:
    """Parameters keep shapes and types, and are finite."""
    for (subject,) in subjects(name):
        situation = perturbed(name, levels_of(name)[-1], subject)
        new, old = situation.params._asdict(), subject.situation.params._asdict()
        for leaf, a in new.items():
            b = old[leaf]
            assert (a is None) == (b is None), leaf
            if a is not None:
                assert (a.shape, a.dtype) == (b.shape, b.dtype), leaf
                assert bool(a.isfinite().all()), f"{leaf} is not finite"


def levels_hold_the_identity_and_a_unit(name: str) -> None:
    """Default levels ascend, hold 0, and end at the ``limit``; they have a unit."""
    settings = example_of(PERTURBATIONS[name].settings)
    levels = list(settings.levels)
    assert 0.0 in levels, f"no 0 among levels {levels}"
    assert levels == sorted(set(levels)), f"levels {levels} do not ascend"
    assert settings.unit, "it has no unit"
    limit = settings.limit
    if limit is not None:
        assert levels[-1] == limit, f"levels end at {levels[-1]:g}, not at {limit:g}"
        assert settings.limit_reason, "it does not say why grading ends there"
    says_what_it_is(settings, name)


PERTURBATION_CHECKS: dict[str, Check] = {
    "level 0 is the identity": level_0_is_the_identity,
    "each level changes something else": each_level_changes_something_else,
    "at its top it changes every kind of network": (
        at_its_top_it_changes_every_kind_of_network
    ),
    "changes what it declares alone": changes_what_it_declares_alone,
    "the same again": the_same_again,
    "does the same at half the time step": (
        a_perturbation_does_the_same_at_half_the_time_step
    ),
    "networks do not depend on each other": networks_do_not_depend_on_each_other,
    "the network itself is left as it was": the_network_itself_is_left_as_it_was,
    "shapes and types stay": shapes_and_types_stay,
    "levels hold the identity and a unit": levels_hold_the_identity_and_a_unit,
}


def check_perturbation(name: str) -> None:
    """Hold a perturbation to all that it declares.  Raises AssertionError."""
    run_checks("perturbation", name, PERTURBATION_CHECKS)
