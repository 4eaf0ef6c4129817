"""Memoryless tasks, the layout that tasks share, and multisensory decisions."""

import numpy as np
import pytest
from scipy import stats

from popnet.tasks import TASKS

SHARED = [
    "dnms", "dms", "dnms_long", "dnms_variable", "delayed_response", "order", "n_back",
    "xor", "go_nogo", "perceptual_decision", "selective_integration",
]  # fmt: skip


def test_one_layout_so_that_networks_move_between_tasks():
    for name in SHARED:
        settings = TASKS[name].settings()
        assert (settings.inputs, settings.outputs) == (5, 1), name


@pytest.mark.parametrize(
    ("name", "patterns", "answers"),
    [
        ("xor", [(-1, -1), (-1, 1), (1, -1), (1, 1)], [-1, 1, 1, -1]),
        ("go_nogo", [(1, 0), (0, 1)], [1, -1]),
    ],
)
def test_patterns_stay_on_through_the_response(draw, correct, name, patterns, answers):
    settings, trials = draw(name, np.arange(len(answers)), strength=0.1)
    assert correct(settings, trials).all()
    inputs, target, mask = trials
    assert inputs.shape[1:] == (700, 5)
    assert not inputs[:, 0].any() and not inputs[..., [0, 3, 4]].any()
    assert mask[:, 500:].all() and not mask[:, :500].any()
    for k, (pattern, answer) in enumerate(zip(patterns, answers, strict=True)):
        assert (inputs[k, 1:, 1:3] == 0.1 * np.array(pattern)).all()
        assert (target[k] == answer).all()


def test_xor_cannot_be_read_from_a_sum_of_the_inputs(draw):
    _, (inputs, target, _) = draw("xor", np.arange(4))
    last, answer = inputs[:, -1], target[:, -1, 0]
    assert not (answer @ last).any(), "no input correlates with the answer"
    np.testing.assert_array_equal(-np.sign(last[:, 1] * last[:, 2]), answer)


def test_multisensory_is_the_published_one(draw):
    _, (inputs, target, mask) = draw("multisensory", np.arange(600) % 6, 0.003)
    assert inputs.shape == (600, 750, 2) and mask.all()
    assert not target[:, :200].any()
    asked = np.where(np.arange(600) % 6 < 3, 1, -1)
    np.testing.assert_array_equal(target[:, -1, 0], asked)
    np.testing.assert_array_equal(target[:, 200, 0], asked)
    before, during = inputs[:, :200], inputs[:, 200:]
    assert before.std() == pytest.approx(0.05 / 16, rel=0.02)
    assert abs(before.mean()) < 4 * 0.05 / 16 / np.sqrt(before.size)
    rate = during.mean(1) * 16
    assert (during - during.mean(1, keepdims=True)).std() == pytest.approx(
        0.05 / 16, rel=0.02
    )
    for k, (heard, seen) in enumerate([(1, 0), (0, 1), (1, 1)] * 2):
        own = rate[k::6]
        for channel, on in enumerate((heard, seen)):
            shown = own[:, channel] > 5
            assert shown.all() if on else not shown.any()
        law = stats.uniform(12.5 if k < 3 else 9, 3.5)
        assert stats.kstest(own[:, 0 if heard else 1], law.cdf).pvalue > 1e-3
    both = rate[2::3]
    assert np.abs(both[:, 0] - both[:, 1]).max() < 0.02, "one rate for both senses"


@pytest.mark.parametrize("dt_s", [0.002, 0.003, 0.03])
def test_two_senses_are_better_than_one_by_the_root_of_two(draw, correct, dt_s):
    law = {"nearest_hz": 0.02, "farthest_hz": 0.02, "noise_hz": 0.5}
    settings, trials = draw("multisensory", np.arange(3000) % 6, dt_s, **law)
    right = correct(settings, trials, dt_s)
    one = stats.norm.cdf(0.02 * np.sqrt(550) / 0.5)
    both = stats.norm.cdf(0.02 * np.sqrt(1100) / 0.5)
    assert settings.ceiling == pytest.approx((2 * one + both) / 3, abs=1e-9)
    for modality, share in enumerate((one, one, both)):
        count = right[modality::3].sum()
        assert stats.binomtest(int(count), 1000, share).pvalue > 1e-3
