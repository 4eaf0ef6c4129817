"""Every learning rule must do this.  P networks, B trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from popnet.config import ConfigError
from popnet.core.cell import pick
from popnet.core.constraints import project
from popnet.engine.population import start
from popnet.kernels import reproducible
from popnet.rules import RULES
from popnet.tasks import TASKS
from popnet.testing.checking import Check, example_of, run_checks, says_what_it_is
from popnet.testing.decisions import nothing_is_learned_at_rate_0
from popnet.testing.learning import (
    LEARNERS,
    episode_of,
    members_of,
    step_of,
    stepped,
    taught,
)
from popnet.testing.networks import CPU, copied, differing, leaves_of, planned
from popnet.testing.time_steps import a_rule_learns_the_same_at_half_the_time_step

WINDOW = 100
"""The last trials, over which networks have to have learned the small task."""


def state_is_tensors_with_networks_first(name: str) -> None:
    """State and parameters keep names, shapes and types; outcomes are [P, B]."""
    population = start(members_of(name), CPU)
    params, state, outcome = stepped(population, 2)
    assert type(state) is type(population.state), f"a state of type {type(state)}"
    for group, before in ((state, population.state), (params, population.params)):
        old, new = leaves_of(before), leaves_of(group)
        assert set(old) == set(new), f"{sorted(set(old) ^ set(new))} come or go"
        for leaf, tensor in new.items():
            assert isinstance(tensor, Tensor), f"{leaf} is no tensor"
            assert tensor.shape == old[leaf].shape, f"{leaf}: {tuple(tensor.shape)}"
            assert tensor.dtype == old[leaf].dtype, f"{leaf}: {tensor.dtype}"
            assert tensor.shape[0] == 3, f"{leaf} has no networks first"
    shape = (3, population.config.rule.batch)
    assert outcome.error_PB.shape == outcome.correct_PB.shape == shape
    assert outcome.correct_PB.dtype == torch.bool


def a_step_changes_nothing_in_place(name: str) -> None:
    """Parameters and state before a step are as they were after it."""
    population = start(members_of(name), CPU)
    state, params = copied(population.state), copied(population.params)
    after = stepped(population, 6)
    written = differing(population.params, params) | differing(population.state, state)
    assert not written, f"written to: {sorted(written)}"
    assert differing(after.params, params), "it learns nothing"
    assert differing(after.state, state), "its state stays as it was"


def the_same_steps_give_the_same_bits(name: str) -> None:
    """All that is random in a step comes from the networks' seeds."""
    population = start(members_of(name), CPU)
    one, again = stepped(population, 3), stepped(population, 3)
    other = differing(one.params, again.params) | differing(one.state, again.state)
    assert not other, f"another time they differ: {sorted(other)}"


def stacked_is_alone(name: str) -> None:
    """Networks learn together what each learns alone, within rounding."""
    members = members_of(name, count=4, dtype="float64")
    stacked = stepped(start(members, CPU), 6)
    for p, member in enumerate(members):
        alone = stepped(start([member], CPU), 6)
        which = torch.tensor([p])
        one = pick(stacked.params, which)
        assert_near(one, alone.params, rtol=1e-9)
        assert_near(pick(stacked.state, which), alone.state, rtol=1e-7)
        torch.testing.assert_close(
            stacked.outcome.error_PB[which], alone.outcome.error_PB
        )


def assert_near(one: Any, other: Any, rtol: float) -> None:
    """The tensors of two NamedTuples are the same within rounding."""
    ours, theirs = leaves_of(one), leaves_of(other)
    assert set(ours) == set(theirs)
    for leaf, tensor in ours.items():
        expected = theirs[leaf]
        assert torch.allclose(tensor, expected, rtol=rtol, atol=1e-11), (
            f"{leaf}: up to {float((tensor - expected).abs().max()):g} apart"
        )


def a_sequential_rule_learns_trial_by_trial(name: str) -> None:
    """Trials given at once to a ``sequential`` rule teach what they do one by one."""
    if not RULES[name].settings.sequential:
        return
    population, trials = start(members_of(name), CPU), 3
    params, state = population.params, population.state
    with reproducible():
        block = step_of(
            population, params, state, episode_of(population, params, 1000, trials)
        )
        for trial in range(trials):
            episode = episode_of(population, params, 1000 + trial)
            params, state, _ = step_of(population, params, state, episode)
    other = differing(block.params, params) | differing(block.state, state)
    assert not other, f"at once they teach others: {sorted(other)}"


def a_dead_network_leaves_its_neighbours(name: str) -> None:
    """A network with a NaN in its weights fails; the others learn the same bits."""
    population = start(members_of(name), CPU)
    w_PNN = population.params.w_PNN.clone()
    w_PNN[1, 2, 3] = float("nan")
    params = population.params._replace(w_PNN=w_PNN)
    config, seeds = population.config, [m.seed for m in population.members]
    state = RULES[name].init(
        params, config.rule, population.hyper, config.task.types, seeds
    )
    well = stepped(population, 5)
    sick = stepped(replace(population, params=params, state=state), 5)
    assert bool(sick.outcome.error_PB[1].isnan().all()), "its error is not NaN"
    assert not bool(sick.outcome.correct_PB[1].any()), "it counts as correct"
    others = torch.tensor([0, 2])
    changed = differing(pick(well.params, others), pick(sick.params, others))
    assert not changed, f"its neighbours learn others: {sorted(changed)}"
    errors = [of.outcome.error_PB[others] for of in (well, sick)]
    assert torch.equal(*errors), "its neighbours have other errors"


def masks_and_dale_s_law_hold(name: str) -> None:
    """After ten steps absent weights are absent, and signs are those of their units."""
    members = members_of(name, density=0.5, autapses=False, dale={"excitatory": 0.7})
    population = start(members, CPU)
    params = stepped(population, 10).params
    assert differing(params, population.params), "it learns nothing"
    w_PNN, mask_PNN, sign_PN = params.w_PNN, params.mask_PNN, params.sign_PN
    assert mask_PNN is not None and sign_PN is not None
    assert torch.equal(project(params).w_PNN, w_PNN), "weights that may not be"
    assert not bool(w_PNN[mask_PNN == 0].any()), "an absent weight appeared"
    assert not bool(w_PNN.diagonal(dim1=1, dim2=2).any()), "an autapse appeared"
    assert bool((w_PNN * sign_PN[:, None] >= 0).all()), "a weight changed its sign"


def learns_in_the_networks_it_declares_alone(name: str) -> None:
    """``forms``, ``readouts`` and ``takes_feedback``; all others are refused."""
    about = RULES[name].settings
    some = product(("current", "rate"), ("unit", "linear"), (0.0, 1.0))
    for form, readout, feedback in some:
        if feedback and readout == "unit":
            continue  # no network has that
        takes = form in about.forms and readout in about.readouts
        takes = takes and (about.takes_feedback or not feedback)
        network: Mapping[str, Any] = {
            "form": form, "readout": {"kind": readout}, "feedback": feedback,
        }  # fmt: skip
        words = f"form {form}, readout {readout}, feedback {feedback:g}"
        try:
            members = members_of(name, count=1, **network)
        except ConfigError as refusal:
            assert not takes, f"refuses {words}: {refusal}"
            continue
        assert takes, f"does not refuse {words}"
        error_PB = stepped(start(members, CPU), 2).outcome.error_PB
        assert bool(error_PB.isfinite().all()), f"an error with {words}: {error_PB}"


def learns_the_tasks_it_declares_alone(name: str) -> None:
    """A task without decisions is refused if, and only if, ``decisions_alone``."""
    rule = RULES[name].settings
    for task in TASKS:
        about = TASKS[task].settings
        linear = "linear" in rule.readouts
        if about.requires_package or (example_of(about).outputs > 1 and not linear):
            continue  # an output unit is one output
        takes = example_of(about).decides is not None or not rule.decisions_alone
        kind = {"readout": {"kind": "linear" if linear else "unit"}}
        sections = {"name": name, **rule.example}, rule.small_network | kind
        try:
            planned({"name": task}, *sections, 1)
        except ConfigError as refusal:
            assert not takes, f"refuses {task}: {refusal}"
            continue
        assert takes, f"does not refuse {task}"


def uses_the_target_as_it_declares(name: str) -> None:
    """Other targets teach something else if, and only if, ``uses_target`` is true."""
    population = start(members_of(name), CPU)
    one, other = stepped(population, 6), stepped(population, 6, flip=True)
    differ = bool(differing(one.params, other.params))
    declared = RULES[name].settings.uses_target
    assert differ == declared, f"declares uses_target={declared}"


def learns_its_small_task(name: str) -> None:
    """Well above chance in the last trials, and most networks half way to the top."""
    task = members_of(name, count=1)[0].config.task
    last_P = taught(name, shuffled=False)[:, -WINDOW:].mean(1)
    error = np.sqrt(task.chance * (1 - task.chance) / (LEARNERS * WINDOW))
    assert last_P.mean() > task.chance + 8 * error, (
        f"right in {last_P.mean():.3f} of the last trials, chance is {task.chance:.3f}"
    )
    half = (task.chance + task.ceiling) / 2
    assert np.median(last_P) > half, f"half of the networks are at {np.median(last_P)}"


def learns_nothing_from_shuffled_targets(name: str) -> None:
    """A rule stays at chance where the inputs tell nothing of the target."""
    chance = members_of(name, count=1)[0].config.task.chance
    correct = taught(name, shuffled=True)
    for when, some in (("all", correct), ("the last", correct[:, -WINDOW:])):
        room = 4 * np.sqrt(chance * (1 - chance) / some.size)
        assert some.mean() <= chance + room, (
            f"right in {some.mean():.3f} of {when} trials, chance is {chance:.3f}"
        )


def settings_say_where_they_come_from(name: str) -> None:
    """Defaults need nothing given; name, summary and reference are there."""
    says_what_it_is(example_of(RULES[name].settings), name)


RULE_CHECKS: dict[str, Check] = {
    "state is tensors with networks first": state_is_tensors_with_networks_first,
    "a step changes nothing in place": a_step_changes_nothing_in_place,
    "the same steps give the same bits": the_same_steps_give_the_same_bits,
    "stacked is alone": stacked_is_alone,
    "a sequential rule learns trial by trial": a_sequential_rule_learns_trial_by_trial,
    "a dead network leaves its neighbours": a_dead_network_leaves_its_neighbours,
    "masks and Dale's law hold": masks_and_dale_s_law_hold,
    "learns in the networks it declares alone": (
        learns_in_the_networks_it_declares_alone
    ),
    "learns the tasks it declares alone": learns_the_tasks_it_declares_alone,
    "uses the target as it declares": uses_the_target_as_it_declares,
    "learns the same at half the time step": (
        a_rule_learns_the_same_at_half_the_time_step
    ),
    "learns its small task": learns_its_small_task,
    "learns nothing from shuffled targets": learns_nothing_from_shuffled_targets,
    "nothing is learned at rate 0": nothing_is_learned_at_rate_0,
    "settings say where they come from": settings_say_where_they_come_from,
}


def check_rule(name: str) -> None:
    """Hold a learning rule to all that it declares.  Raises AssertionError."""
    run_checks("rule", name, RULE_CHECKS)
