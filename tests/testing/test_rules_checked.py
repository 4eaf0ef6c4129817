"""Each check of learning rules refuses a rule that is not what it declares."""

from typing import Literal

import pytest
import torch

from popnet.core.scoring import Scores, mean_error
from popnet.rules import RULES
from popnet.rules.bptt import BPTT, step
from popnet.tasks import TASKS
from popnet.testing import RULE_CHECKS

SOUND = RULES["bptt"]


class Sound(BPTT):
    name: Literal["made_up"] = "made_up"


def stepping(change):
    """The rule with another step: ``change`` gets parameters before and the result."""

    def taken(params, state, *given):
        return change(params, *step(params, state, *given))

    return SOUND._replace(settings=Sound, step=taken)


def declaring(**declared):
    return SOUND._replace(settings=type("Declared", (Sound,), declared))


def correct_as_numbers(before, params, state, outcome):
    return params, state, outcome._replace(correct_PB=outcome.correct_PB.float())


def weights_in_place(before, params, state, outcome):
    before.w_PNN.add_(0.01)
    return params, state, outcome


def unseeded(before, params, state, outcome):
    noise = 1e-4 * torch.rand_like(params.w_PNN)
    return params._replace(w_PNN=params.w_PNN + noise), state, outcome


def towards_the_mean(before, params, state, outcome):
    w_PNN = 0.9 * params.w_PNN + 0.1 * params.w_PNN.mean(0)
    return params._replace(w_PNN=w_PNN), state, outcome


def every_weight_grows(before, params, state, outcome):
    return params._replace(w_PNN=params.w_PNN + 0.01), state, outcome


def always_correct(before, params, state, outcome):
    correct_PB = torch.ones_like(outcome.correct_PB)
    return params, state, outcome._replace(correct_PB=correct_PB)


def decay_per_step(params, state, episode, settings, hyper, cell, score):
    """Weights decay by a share for each step of the trial."""
    after, state, outcome = step(params, state, episode, settings, hyper, cell, score)
    keep = 0.999 ** episode.input_PBTI.shape[2]
    return after._replace(w_PNN=keep * after.w_PNN), state, outcome


def nothing_learned(params, state, *given):
    return params, state, step(params, state, *given)[2]


BROKEN = {
    "state is tensors with networks first": stepping(correct_as_numbers),
    "a step changes nothing in place": stepping(weights_in_place),
    "the same steps give the same bits": stepping(unseeded),
    "stacked is alone": stepping(towards_the_mean),
    "a sequential rule learns trial by trial": declaring(sequential=True),
    "a dead network leaves its neighbours": stepping(towards_the_mean),
    "masks and Dale's law hold": stepping(every_weight_grows),
    "learns in the networks it declares alone": declaring(forms=("current",)),
    "learns the tasks it declares alone": declaring(
        decisions_alone=True, fitted_to_task=lambda self, _: self
    ),
    "uses the target as it declares": declaring(uses_target=False),
    "learns the same at half the time step": SOUND._replace(
        settings=Sound, step=decay_per_step
    ),
    "learns its small task": SOUND._replace(settings=Sound, step=nothing_learned),
    "learns nothing from shuffled targets": stepping(always_correct),
    "nothing is learned at rate 0": stepping(always_correct),
    "settings say where they come from": declaring(reference=""),
}


@pytest.fixture
def made_up(monkeypatch):
    """Puts a rule into the registry."""
    return lambda rule: monkeypatch.setitem(RULES.own, "made_up", rule)


def test_each_check_is_tried_here():
    assert set(BROKEN) == set(RULE_CHECKS)


@pytest.mark.parametrize("check", RULE_CHECKS)
def test_it_refuses_a_broken_rule(check, made_up):
    made_up(BROKEN[check])
    with pytest.raises(AssertionError):
        RULE_CHECKS[check]("made_up")


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"takes_feedback": True}, "refuses form current, readout linear, feedback 1"),
        ({"readouts": ("linear",)}, "does not refuse form current, readout unit"),
    ],
)
def test_networks_it_learns_in_have_to_be_declared(declared, message, made_up):
    made_up(declaring(**declared))
    with pytest.raises(AssertionError, match=message):
        RULE_CHECKS["learns in the networks it declares alone"]("made_up")


def test_an_error_below_1_as_criterion_is_met_without_learning(monkeypatch):
    def lenient(output, target, mask):
        error_PB = mean_error(output, target, mask)
        return Scores(error_PB, error_PB < 1)

    for name, task in TASKS.own.items():
        monkeypatch.setitem(TASKS.own, name, task._replace(score=lenient))
    with pytest.raises(AssertionError, match=r"of the last trials of .* are right"):
        RULE_CHECKS["nothing is learned at rate 0"]("bptt")


def test_luck_that_counts_as_learning_is_told(monkeypatch):
    always = property(lambda _: True)
    monkeypatch.setattr(RULES["bptt"].settings, "learns", always)
    with pytest.raises(AssertionError, match=r"meets its criterion on .* with .*after"):
        RULE_CHECKS["nothing is learned at rate 0"]("bptt")


def test_a_rule_that_learns_nothing_in_these_steps_is_told(made_up):
    made_up(BROKEN["learns its small task"])
    with pytest.raises(AssertionError, match="it learns nothing"):
        RULE_CHECKS["masks and Dale's law hold"]("made_up")
