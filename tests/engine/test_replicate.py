"""A network trained again: the same start, other trials, noise and impulses."""

import numpy as np
import pytest
import torch

from popnet.core.cell import Params
from popnet.engine.episodes import training_batch
from popnet.engine.evaluate import run
from popnet.engine.population import untrained
from popnet.perturbations import resting
from popnet.seeding import Seed


@pytest.fixture
def trained_as(planned):
    def make(replicate, rule="reward_hebbian", task="perceptual_decision"):
        network = {"units": 30, "noise": {"recurrent": 0.1, "input": 0.1}}
        train = {"trials": 300, "until": None, "replicate": replicate}
        (member,) = planned(network=network, task=task, rule=rule, train=train)
        return member

    return make


def batch(member):
    params = params_of(member)
    return training_batch([member], torch.zeros(1, dtype=torch.int64), params.tau_PN)


def params_of(member) -> Params:
    return untrained([member], torch.device("cpu"))


def test_replicates_start_alike_and_meet_other_trials(trained_as):
    first, again = trained_as(0), trained_as(1)
    assert first.key != again.key
    assert first.seed == again.seed
    for one, other in zip(params_of(first), params_of(again), strict=True):
        assert (one is None and other is None) or torch.equal(one, other)
    before, after = batch(first), batch(again)
    for part in ("input_PBTI", "x0_PBN", "noise_PBTN"):
        assert not torch.equal(getattr(before, part), getattr(after, part)), part
    assert torch.equal(before.type_PB, after.type_PB)
    (one,), (other,) = before.impulses[0], after.impulses[0]
    assert not np.array_equal(one.step, other.step)


@pytest.mark.parametrize("rule", ["genetic", "evolution_strategies"])
def test_what_a_rule_draws_is_drawn_again(trained_as, rule):
    made = [batch(trained_as(k, rule)).drawn for k in (0, 0, 1)]
    for name in made[0]:
        assert torch.equal(made[0][name], made[1][name])
    assert any(not torch.equal(made[0][n], made[2][n]) for n in made[0])


def test_replicates_are_tested_on_the_same_trials(trained_as):
    first, again = trained_as(0), trained_as(1)
    one, other = (
        run(resting(params_of(m), m.config), m.seed, 3) for m in (first, again)
    )
    assert torch.equal(one.output_PBTO, other.output_PBTO)


def test_no_two_trainings_share_a_stream():
    names = [
        Seed(sweep, number).replicate(k)
        for sweep in range(20) for number in range(20) for k in range(5)
    ]  # fmt: skip
    assert len(set(names)) == len(names)
    assert Seed(3, 4).replicate(0) == Seed(3, 4)
