"""A sequential rule gets its trials in blocks; no result may depend on them."""

import numpy as np
import pytest
import torch

from popnet.engine.train import advance, begin
from popnet.rules import RULES

SHORT = {"name": "dnms", "stimulus_s": 0.02, "delay_s": 0.02, "wait_s": 0.01,
         "response_s": 0.02}  # fmt: skip


def finish(member, steps):
    (going,), ended = begin([member], torch.device("cpu")), []
    while going is not None:
        going, ended = advance(going, steps)
    return ended[0]


@pytest.fixture
def member(planned):
    def make(**train):
        (one,) = planned(
            task=SHORT, rule={"name": "reward_hebbian", "wait_trials": 5},
            network={"units": 24}, train={"curve_every": 7, **train},
        )  # fmt: skip
        return one

    return make


@pytest.mark.parametrize("steps", [1, 3, 7, 20, 64])
def test_any_number_of_steps_at_once_gives_the_same_network(member, steps):
    one = member(trials=83, until=None)
    expected, got = finish(one, 1000), finish(one, steps)
    assert torch.equal(expected.final.w_PNN, got.final.w_PNN)
    assert got.trials == expected.trials == 83
    np.testing.assert_array_equal(got.curve_error_C, expected.curve_error_C)
    np.testing.assert_array_equal(got.curve_trial_C, [*range(7, 84, 7), 83])


def test_at_the_cap_no_trial_is_learned_twice(member, monkeypatch):
    rule, seen = RULES["reward_hebbian"], []

    def step(params, state, episode, *rest):
        seen.extend(episode.type_PB[0].tolist())
        return rule.step(params, state, episode, *rest)

    monkeypatch.setitem(RULES.own, "reward_hebbian", rule._replace(step=step))
    finish(member(trials=83, until=None), 1000)
    assert seen == [n % 4 for n in range(83)]


def scripted(monkeypatch, correct):
    """reward_hebbian whose trial n is correct as scripted."""
    rule = RULES["reward_hebbian"]

    def step(params, state, episode, *rest):
        params, state, outcome = rule.step(params, state, episode, *rest)
        numbers = episode.trial_P[:, None] + torch.arange(outcome.error_PB.shape[1])
        said = torch.tensor(correct)[numbers]
        return params, state, outcome._replace(correct_PB=said)

    monkeypatch.setitem(RULES.own, "reward_hebbian", rule._replace(step=step))


@pytest.mark.parametrize("first", [4, 11, 19, 20, 27])
def test_a_criterion_met_within_a_block_ends_there(member, monkeypatch, first):
    # met once, by trials first-3 .. first, and lost again by the block's end
    correct = [first - 4 <= n < first for n in range(100)]
    scripted(monkeypatch, correct)
    until = {"accuracy": 1.0, "window": 4}
    stopped = finish(member(trials=60, until=until), 1000)
    assert (stopped.trials, stopped.trials_to_criterion) == (first, first)
    assert stopped.status == "converged" and stopped.final_accuracy == 1.0
    short = finish(member(trials=first, until=None), 1)
    assert torch.equal(stopped.final.w_PNN, short.final.w_PNN)
    went_on = finish(member(trials=60, until={**until, "stop": False}), 1000)
    assert (went_on.trials, went_on.trials_to_criterion) == (60, first)
