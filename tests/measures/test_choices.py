"""Decisions of whole networks on graded evidence, and the rank of what was learned."""

import numpy as np
import pytest
import torch

from popnet.config import ConfigError
from popnet.core.draw import draw
from popnet.measures import MEASURES, WeightsSeen
from popnet.tasks import TASKS
from popnet.work.measured import choices_seen

TASK = {"name": "random_dots", "stimulus_s": 0.4, "response_s": 0.05, "sigma": 0.5}


def rank(change):
    change = np.asarray(change, np.float32)
    seen = WeightsSeen(np.zeros_like(change), change, np.ones(len(change)), None)
    measure = MEASURES["weight_change_rank"]
    return measure.of(measure.settings(), seen)


def test_effective_ranks_by_hand():
    random = np.random.default_rng(0)
    m, n = random.standard_normal((2, 6))
    assert rank(np.outer(m, n)) == pytest.approx(1, abs=1e-4)
    assert rank(np.linalg.qr(random.standard_normal((6, 6)))[0]) == pytest.approx(6)
    # shares 3/4 and 1/4 of the sum of singular values
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert rank(np.diag([3, -1, 0])) == pytest.approx(np.exp(entropy), rel=1e-5)
    assert np.isnan(rank(np.zeros((3, 3))))


def integrator(planned, bias=0.0):
    """One unit that adds up the evidence with a long time constant, and a bias."""
    (member,) = planned(
        rule={"name": "bptt"}, task=TASK,
        network={"units": 2, "dt_s": 0.01, "tau_s": 2.0, "initial_state": 0.0,
                 "clamped": {}, "readout": {"kind": "linear"}},
    )  # fmt: skip
    params = draw([member.config.network], [member.config.task], [member.seed])
    zero = torch.zeros_like
    return member, params._replace(
        w_PNN=zero(params.w_PNN), win_PNI=0.1 * torch.ones_like(params.win_PNI),
        bias_PN=zero(params.bias_PN) + 0.1 * bias,
        wout_PON=torch.ones_like(params.wout_PON),
    )  # fmt: skip


@pytest.mark.parametrize("bias", [0.0, 0.05, -0.05])
def test_an_integrator_decides_by_the_sum_of_its_evidence(planned, bias):
    """Its bias current is evidence of that size at every step: the bias of its curve.

    p(+ | x) = Phi((x + bias) sqrt(steps) / sd), whose logistic slope is 1.702 sqrt(n)
    / sd up to 10 %; n steps of which the last count a little less.
    """
    member, params = integrator(planned, bias)
    seen = choices_seen(member, params)
    task = member.config.task
    assert set(np.abs(seen.evidence_B)) == set(task.strengths)
    assert (np.sign(seen.evidence_B) == 1).mean() == 0.5
    slope, found = (
        MEASURES[name].of(MEASURES[name].settings(), seen)
        for name in ("psychometric_slope", "choice_bias")
    )
    sd = 0.5 * np.sqrt(0.003 / 0.01)
    expected = 1.702 * np.sqrt(45) / sd
    assert slope == pytest.approx(expected, rel=0.35)
    assert found == pytest.approx(bias, abs=0.02)


def test_strengths_have_trials_of_their_own(planned):
    member, params = integrator(planned)
    evidence, plus = choices_seen(member, params)
    task = member.config.task
    by_level = [plus[np.abs(evidence) == s] for s in task.strengths[:2]]
    # so weak that noise decides: under the same noise both would answer alike
    assert (by_level[0] != by_level[1]).mean() > 0.25
    assert len(by_level[0]) == 80


@pytest.mark.parametrize("name", ["random_dots", "n_context", "selective_integration"])
def test_evidence_of_a_strength_has_that_mean(name):
    settings = TASKS[name].settings()
    types_B = np.repeat(np.arange(settings.types), 20)
    for strength in settings.strengths[::3]:
        graded = settings.of_strength(strength).model_copy(update={"sigma": 0.0})
        random = np.random.default_rng(0)
        inputs, target, _ = TASKS[name].draw(graded, types_B, 0.001, random)
        shown = inputs[:, graded.shown(0.001)][..., list(graded.evidence)]
        assert np.abs(shown) == pytest.approx(strength)
        attended_B = types_B % len(graded.evidence)
        own = shown[np.arange(len(types_B)), 0, attended_B]
        assert (np.sign(own) == np.sign(target[:, -1, 0])).all()


@pytest.mark.parametrize("name", ["psychometric_slope", "choice_bias"])
def test_a_task_without_graded_evidence_is_refused(planned, name):
    with pytest.raises(ConfigError, match="graded evidence, and task 'dnms' has none"):
        planned(task="dnms", after={"measures": [name]})
    assert planned(task="random_dots", rule="bptt", after={"measures": [name]})
