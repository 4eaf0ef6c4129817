"""Alone, among 7, among 128, shuffled, beside one that diverges: the same bits."""

from dataclasses import replace

import pytest
import torch

from popnet.engine.episodes import training_batch
from popnet.engine.population import part, start
from popnet.engine.train import advance, begin
from popnet.kernels import reproducible
from popnet.rules import RULES
from popnet.tasks import TASKS

CPU = torch.device("cpu")
MANY, STEPS = 128, 3
SHORT = {"name": "delayed_response", "stimulus_s": 0.01, "delay_s": 0.005,
         "response_s": 0.01}  # fmt: skip
SETTINGS = {
    "reward_hebbian": {"wait_trials": 0, "exploration": {"rate_hz": 30.0}},
    "bptt": {"batch_trials": 5, "l2": 1e-3, "rate_penalty": 0.1},
    "full_force": {"batch_trials": 4},
    "genetic": {"candidates": 6, "parents": 2, "batch_trials": 3, "silence": 0.5},
    "evolution_strategies": {"pairs": 3, "batch_trials": 5, "weight_decay": 0.1},
}
WILD = {"force": ("alpha", 1e-6), "full_force": ("target_scale", 1e39),
        "genetic": ("mutation_sd", 1e6)}  # fmt: skip
"""What makes a rule diverge: by default a learning rate a million times as large."""
PLAIN = ("eprop", "rflo", "full_force")
"""Rules without a kernel."""

every_rule = pytest.mark.parametrize("name", RULES)
rule_with_kernel = pytest.mark.parametrize("name", [n for n in RULES if n not in PLAIN])
"""In plain torch, batched products may change their last bits with the number of
networks; so on the CPU the engine trains each network alone, which the last test sees
of every rule."""


@pytest.fixture(scope="module")
def crowd(planned):
    """Untrained networks that differ in what networks of one pack may differ in."""

    def make(name, count=MANY):
        return planned(
            rule={"name": name, **SETTINGS.get(name, {})}, task=SHORT, count=count // 4,
            network={"units": 20, "noise": {"input": 0.05}},
            train={"trials": 5, "until": None},
            grid={"network.tau_s.spread": [0.0, 0.4], "network.gain": [0.9, 1.5]},
        )  # fmt: skip

    return make


def stepped(population, steps=STEPS):
    """All that a network has after some steps of its rule, on the whole population."""
    params, state, config = population.params, population.state, population.config
    rule, batch = RULES[config.rule.name], config.rule.batch
    with reproducible():
        for step in range(steps):
            trial_P = torch.full((len(population.members),), step * batch)
            episode = training_batch(population.members, trial_P, params.tau_PN, 2)
            params, state, outcome = rule.step(
                params, state, episode, config.rule, population.hyper,
                population.cell, TASKS[config.task.name].score,
            )  # fmt: skip
    return (*params, *state, *outcome)


def same(some, others):
    return all(
        (a is None and b is None) or torch.equal(a, b)
        for a, b in zip(some, others, strict=True)
    )


def of(leaves, which):
    return [leaf if leaf is None else leaf[which] for leaf in leaves]


def wild(population, which):
    """The same, some of the networks with a setting that makes them diverge."""
    config, hyper = population.config, dict(population.hyper)
    setting, factor = WILD.get(config.rule.name, ("learning_rate", 1e6))
    hyper[setting] = hyper[setting].clone()
    hyper[setting][which] *= factor
    rule = RULES[config.rule.name]
    seeds, types = [m.seed for m in population.members], config.task.types
    state = rule.init(population.params, config.rule, hyper, types, seeds)
    return replace(population, hyper=hyper, state=state)


@rule_with_kernel
def test_a_rule_s_step_does_not_see_the_other_networks(name, crowd):
    population = start(crowd(name), CPU)
    every = stepped(population)
    learned = of(every[: len(population.params)], [0])
    assert not same(learned, of(population.params, [0])), "nothing was learned"
    shuffled = torch.randperm(MANY, generator=torch.Generator().manual_seed(1))
    alone = [torch.tensor([p]) for p in (0, 64, MANY - 1)]
    for which in (shuffled, shuffled[:7], *alone):
        assert same(stepped(part(population, which)), of(every, which)), len(which)


@every_rule
def test_a_diverging_network_changes_no_bit_of_its_neighbours(name, crowd):
    population = start(crowd(name, 8), CPU)
    well = torch.tensor([0, 1, 2, 4, 5, 6, 7])
    every, mixed = (stepped(p, 12) for p in (population, wild(population, [3])))
    assert same(of(mixed, well), of(every, well))
    assert not same(of(mixed, [3]), of(every, [3])), "it did not differ"


def trained(populations):
    """Results by key, each network to its end."""
    results = {}
    for population in populations:
        left, (result,) = advance(population, 1000)
        assert left is None
        results[result.network.key] = result
    return results


@pytest.mark.slow
@every_rule
def test_training_to_the_end_alone_and_beside_others(name, crowd):
    members = crowd(name)
    shuffled = torch.randperm(MANY, generator=torch.Generator().manual_seed(2))
    chosen = [members[p] for p in shuffled.tolist()]
    every = trained(begin(chosen, CPU))
    few, ill = begin(chosen[:7], CPU), 2
    few[ill] = wild(few[ill], [0])
    seven = trained(few)
    for place, member in enumerate(chosen[:7]):
        got, expected = seven[member.key], every[member.key]
        if place == ill:
            assert all(t is None or bool(t.isfinite().all()) for t in got.final)
            assert got.status in ("trained", "diverged")
            continue
        (alone,) = trained(begin([member], CPU)).values()
        for other in (got, alone):
            assert same(other.final, expected.final) and other.trials == expected.trials
            assert other.final_error == expected.final_error
        assert not same(expected.final, expected.initial), "nothing was learned"
