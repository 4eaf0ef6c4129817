"""Scores on outputs whose error is known by hand."""

import pytest
import torch

from popnet.core.scoring import (
    close,
    decision,
    decision_after_silence,
    decision_and_size,
    decisions,
    fitted,
    last_class,
    mean_error,
    squared,
    tracking,
)


def constant(values, steps=10):
    return torch.tensor(values)[None, :, None, None].expand(1, -1, steps, 1)


def test_error_is_over_the_scored_steps_alone():
    output = torch.tensor([9.0, 9, 0.5, -0.5, 1]).reshape(1, 1, 5, 1)
    target = torch.ones(1, 1, 5, 1)
    mask = torch.tensor([False, False, True, True, True]).reshape(1, 1, 5, 1)
    assert float(mean_error(output, target, mask)) == pytest.approx((0.5 + 1.5 + 0) / 3)


def test_a_squared_error_leaves_what_is_correct_alone():
    output = constant([0.5, -0.5, -0.019, -0.021, 0.0])
    target = constant([0.98] * 5)
    mask = torch.ones(1, 5, 10, 1, dtype=torch.bool)
    mask[:, :, 3:] = False
    got, plain = (s(output, target, mask) for s in (squared(decision), decision))
    assert torch.equal(got.correct_PB, plain.correct_PB)
    torch.testing.assert_close(got.error_PB, plain.error_PB**2)  # constant outputs
    uneven = torch.tensor([3.0, 1, 8, 8]).reshape(1, 1, 4, 1)
    seen = torch.tensor([True, True, False, False]).reshape(1, 1, 4, 1)
    made = squared(tracking)(uneven, torch.zeros(1, 1, 4, 1), seen)
    assert float(made.error_PB) == 5.0


@pytest.mark.parametrize("size", [1e-30, 0.01, 0.98, 2.5, 1e30])
@pytest.mark.parametrize("asked", [0.02, 0.3, 0.98])
def test_a_decision_is_a_sign_and_amplitude_plays_no_part(size, asked):
    output = constant([size, -size, -size, size])
    target = constant([asked, asked, -asked, -asked])
    mask = torch.ones(1, 4, 10, 1, dtype=torch.bool)
    got = decision(output, target, mask)
    assert got.correct_PB[0].tolist() == [True, False, True, False]
    torch.testing.assert_close(got.error_PB, mean_error(output, target, mask))


def test_a_decision_is_the_mean_of_the_window_and_a_mean_of_0_is_wrong():
    output = constant([0.0, 0.0, 0.0, 0.0]).clone()
    output[0, 1, ::2, 0], output[0, 1, 1::2, 0] = 0.3, -0.3
    output[0, 2, :, 0] = torch.tensor([9.0, *[-1.01] * 9])[:, None].T
    output[0, 3, :, 0] = torch.tensor([9.0, *[-0.99] * 9])[:, None].T
    mask = torch.ones(1, 4, 10, 1, dtype=torch.bool)
    for asked in (0.98, -0.98):
        right = decision(output, constant([asked] * 4), mask).correct_PB[0].tolist()
        assert right == [False, False, asked < 0, asked > 0]
    mask[0, 3, 0] = False  # the mean of what is scored
    right = decision(output, constant([0.98] * 4), mask).correct_PB[0].tolist()
    assert right == [False] * 4


def test_miconi_s_error_below_1_differs_between_0_and_2_hundredths_alone():
    mean = torch.tensor([-0.98, -0.3, -0.021, -0.019, -1e-6, 0, 1e-6, 0.019, 0.3, 0.98])
    output = mean[None, :, None, None].expand(1, -1, 5, 1)
    target, mask = torch.full_like(output, 0.98), torch.ones_like(output).bool()
    got = decision(output, target, mask)
    published = got.error_PB < 1
    differs = (published != got.correct_PB)[0]
    assert mean[differs].tolist() == pytest.approx([-0.019, -1e-6, 0])


def test_every_output_decides_and_one_that_is_not_scored_does_not():
    target = torch.tensor([0.5, -0.5]).expand(1, 3, 4, 2)
    output = 9 * target.clone()
    output[0, 1, :, 1] *= -0.01  # small beside the first one
    output[0, 2, :, 1] *= -1
    mask = torch.ones(1, 3, 4, 2, dtype=torch.bool)
    mask[0, 2, :, 1] = False
    assert decision(output, target, mask).correct_PB[0].tolist() == [True, False, True]
    assert not decision(output, target, torch.zeros_like(mask)).correct_PB.any()


def test_a_size_is_given_to_within_5_hundredths_and_a_decision_by_its_sign():
    target = torch.zeros(1, 7, 4, 2)
    target[:, :, 2:] = torch.tensor([-1.0, 0.25])
    output = 5 * torch.tensor([1.0, 0.2]) * target
    output[0, 1, 2:, 1] = 0.0  # never answered
    output[0, 2, 2:, 1] = torch.tensor([0.0, 0.59])  # 0.045 above, on the mean
    output[0, 3, 2:, 1] = 0.301
    output[0, 4, 2:, 1] = -0.25
    output[0, 5, 2:, 0] = 0.001
    output[0, 6, :2] = 8  # silence is not judged
    got = decision_and_size(output, target, torch.ones_like(target).bool())
    assert got.correct_PB[0].tolist() == [True, False, True, False, False, False, True]
    torch.testing.assert_close(
        got.error_PB, mean_error(output, target, torch.ones_like(target).bool())
    )
    target[..., 1] = 0.02  # a size so small that 0 is near it
    output = torch.tensor([-1.0, 0.0]).expand(1, 7, 4, 2)
    nothing = decision_and_size(output, target, torch.ones_like(target).bool())
    assert not nothing.correct_PB.any()


@pytest.mark.parametrize(("wrong", "expected"), [(0, True), (1, True), (2, False)])
def test_tracking_asks_for_95_of_100_steps(wrong, expected):
    target = torch.ones(1, 1, 10, 2)
    output = 0.1 * target.clone()
    output[0, 0, :wrong, 1] = -0.1
    mask = torch.ones(1, 1, 10, 2, dtype=torch.bool)
    assert bool(tracking(output, target, mask).correct_PB) is expected


def test_tracking_ignores_what_is_not_scored():
    target = torch.ones(1, 1, 10, 1)
    output = target.clone()
    output[0, 0, :5] = -1
    mask = torch.ones(1, 1, 10, 1, dtype=torch.bool)
    mask[0, 0, :5] = False
    assert bool(tracking(output, target, mask).correct_PB)


def test_silence_asked_for_counts_in_the_error_alone():
    target = constant([0.0, 0.0]).clone()
    target[:, :, 6:] = 1
    output = constant([3.0, 0.9]).clone()
    output[:, :, 6:] = torch.tensor([0.1, -0.1])[None, :, None, None]
    mask = torch.ones(1, 2, 10, 1, dtype=torch.bool)
    mask[:, :, 5], mask[:, :, 9] = False, False
    output[:, :, 9] = -20
    got = decision_after_silence(output, target, mask)
    assert got.correct_PB[0].tolist() == [True, False]
    expected = torch.tensor([(5 * 3 + 3 * 0.9) / 8, (5 * 0.9 + 3 * 1.1) / 8])
    torch.testing.assert_close(got.error_PB[0], expected)


def test_every_scored_window_must_be_right():
    # windows of 1, 2 and 3 steps, two outputs; the last trial has one window alone
    mask = torch.zeros(1, 5, 10, 2, dtype=torch.bool)
    mask[:, :4, 0], mask[:, :4, 3:5], mask[:, :, 7:] = True, True, True
    target = torch.ones(1, 5, 10, 2)
    output = target.clone()
    output[0, 1, 0, :] = -0.1  # the first window wrong, small beside the others
    output[0, 2, 7, 0] = -1.9  # the mean of this output is 0.03
    output[0, 3, 7, 0] = -2.1
    output[0, 4, :7] = -9  # not scored
    got = decisions(output, target, mask)
    assert got.correct_PB[0].tolist() == [True, False, True, False, True]
    torch.testing.assert_close(got.error_PB, mean_error(output, target, mask))


def test_after_silence_every_output_must_be_right():
    target = torch.zeros(1, 3, 4, 2)
    target[:, :, 2:] = torch.tensor([1.0, 0.25])
    output = target.clone()
    output[0, 1, 2:, 0] = -0.2  # wrong, though not on the mean of both
    output[0, 2, 2:, 1] = 8.2
    got = decision_after_silence(output, target, torch.ones(1, 3, 4, 2).bool())
    assert got.correct_PB[0].tolist() == [True, False, True]
    all_silent = decision_after_silence(output, 0 * target, torch.ones(1, 3, 4, 2) > 0)
    assert not all_silent.correct_PB.any()


def test_close_is_a_mean_squared_error_of_5_hundredths():
    target = torch.zeros(1, 3, 10, 2)
    output = target.clone()
    output[0, 0, :5, 0] = 0.44  # 5 of 20 values
    output[0, 1, :5, 0] = 0.45
    output[0, 2, 5:] = 9
    mask = torch.ones(1, 3, 10, 2, dtype=torch.bool)
    mask[:, 2, 5:] = False
    got = close(output, target, mask)
    assert got.correct_PB[0].tolist() == [True, False, True]
    torch.testing.assert_close(got.error_PB, torch.tensor([[0.0484, 0.050625, 0.0]]))


def test_fitted_explains_nine_tenths_of_the_variance():
    # two outputs about means of their own, 3 and -5, with the variances 1 and 4
    wave = torch.tensor([1.0, -1.0]).repeat(5)
    target = torch.stack([3 + wave, -5 + 2 * wave], dim=1).expand(1, 4, 10, 2).clone()
    output = target.clone()
    output[0, 0] += 0.49 * torch.tensor([1.0, 1.0])  # 0.24 of 2.5, on the mean
    output[0, 1] += 0.51 * torch.tensor([1.0, 1.0])
    output[0, 2] = torch.tensor([3.0, -5.0])
    output[0, 3, 8:], target[0, 3, 8:] = 50, -50
    mask = torch.ones(1, 4, 10, 2, dtype=torch.bool)
    mask[:, 3, 8:] = False
    got = fitted(output, target, mask)
    assert got.correct_PB[0].tolist() == [True, False, False, True]
    torch.testing.assert_close(got.error_PB, mean_error(output, target, mask))


def test_outputs_that_are_equally_large_choose_no_class():
    target = torch.eye(3)[None, :, None]  # a trial of one step for each class
    mask = torch.ones(1, 3, 1, 3, dtype=torch.bool)
    for output in (0 * target, 0 * target + 7, target.clamp(min=1)):
        assert not last_class(output, target, mask).correct_PB.any()
    barely = 7 + 1e-6 * target
    assert last_class(barely, target, mask).correct_PB.all()
    assert not last_class(-barely, target, mask).correct_PB.any()


def test_the_last_class_is_that_of_the_last_scored_step():
    target = torch.zeros(1, 4, 5, 3)
    target[..., :4, 0], target[..., 4, 2] = 1, 1
    output = torch.zeros(1, 4, 5, 3)
    output[0, 0, :, 2] = 0.1  # right at the end alone
    output[0, 1, :4, 0], output[0, 1, 4, 1] = 1, 1  # right but at the end
    output[0, 2, :, 0] = 0.1
    output[0, 3] = output[0, 2]
    mask = torch.ones(1, 4, 5, 3, dtype=torch.bool)
    mask[0, 3, 4:] = False  # a shorter trial: its last class is 0
    got = last_class(output, target, mask)
    assert got.correct_PB[0].tolist() == [True, False, False, True]
    torch.testing.assert_close(got.error_PB, mean_error(output, target, mask))


def test_nan_is_never_correct():
    nothing = torch.full((1, 1, 10, 1), float("nan"))
    one = torch.ones(1, 1, 10, 1)
    every = (decision, decision_after_silence, decision_and_size, decisions, tracking,
             close, fitted)  # fmt: skip
    for score in (*every, last_class):
        got = score(nothing, one, one.bool())
        assert not bool(got.correct_PB) and bool(got.error_PB.isnan())
