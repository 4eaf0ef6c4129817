"""Scores on outputs whose error is known by hand."""

import pytest
import torch

from popnet.core.scoring import decision, mean_error, tracking


def constant(values, steps=10):
    return torch.tensor(values)[None, :, None, None].expand(1, -1, steps, 1)


def test_error_is_over_the_scored_steps_alone():
    output = torch.tensor([9.0, 9, 0.5, -0.5, 1]).reshape(1, 1, 5, 1)
    target = torch.ones(1, 1, 5, 1)
    mask = torch.tensor([False, False, True, True, True]).reshape(1, 1, 5, 1)
    assert float(mean_error(output, target, mask)) == pytest.approx((0.5 + 1.5 + 0) / 3)


def test_a_decision_is_correct_when_its_error_is_below_one():
    output = constant([0.5, -0.5, -0.019, -0.021, 0.0])
    target = constant([0.98] * 5)
    mask = torch.ones(1, 5, 10, 1, dtype=torch.bool)
    got = decision(output, target, mask)
    assert got.correct_PB[0].tolist() == [True, False, True, False, True]
    torch.testing.assert_close(
        got.error_PB[0], torch.tensor([0.48, 1.48, 0.999, 1.001, 0.98])
    )


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


def test_nan_is_never_correct():
    nothing = torch.full((1, 1, 10, 1), float("nan"))
    one = torch.ones(1, 1, 10, 1)
    for score in (decision, tracking):
        got = score(nothing, one, one.bool())
        assert not bool(got.correct_PB) and bool(got.error_PB.isnan())
