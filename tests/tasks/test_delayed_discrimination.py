"""Delayed discrimination against a plain version of the code it is built on."""

import numpy as np
import pytest
from scipy import stats

from popnet.tasks import TASKS

NAME = "delayed_discrimination"


def one_trial(first, second, delay):
    """Steps of 10 ms, as Turner et al. lay them out, with ``delay`` between pulses."""
    inputs, target = np.zeros((55, 2)), np.zeros((55, 1))
    inputs[5:10, 0] = first
    onset = 10 + delay
    inputs[onset : onset + 5, 1] = second
    target[onset + 15 : onset + 20, 0] = np.sign(second - first)
    return inputs, target


def test_every_trial_is_laid_out_as_published(draw):
    settings, (inputs, target, mask) = draw(NAME, np.arange(320) % 32, 0.01)
    assert settings.types == 32 and mask.all()
    seen = set()
    for kind, got, asked in zip(np.arange(320) % 32, inputs, target, strict=True):
        first, second = got.max(0)
        delay = 5 + kind // 2
        expected = one_trial(first, second, delay)
        np.testing.assert_array_equal(got, expected[0])
        np.testing.assert_array_equal(asked, expected[1])
        assert (second > first) == (kind % 2 == 1)
        seen |= {first, second}
    assert seen == set(range(2, 11))


@pytest.mark.parametrize(("closest", "pairs"), [(1, 36), (3, 21), (8, 1)])
def test_all_pairs_are_equally_likely(draw, closest, pairs):
    _, (inputs, _, _) = draw(NAME, np.arange(3000) % 2, 0.01, delays=1, closest=closest)
    first, second = inputs.max(1).T
    larger = np.arange(3000) % 2 == 1
    np.testing.assert_array_equal(second > first, larger)
    assert np.abs(second - first).min() == closest
    _, counts = np.unique(np.stack([first, second]), axis=1, return_counts=True)
    assert len(counts) == 2 * pairs, "either order"
    if pairs > 1:
        assert stats.chisquare(counts).pvalue > 1e-3


@pytest.mark.parametrize("dt_s", [0.001, 0.005, 0.01])
def test_delays_double_with_their_epoch_and_nothing_else_does(draw, dt_s):
    settings, _ = draw(NAME, [0], dt_s)
    longer = settings.with_epochs({"delay": 2.0})
    gaps = []
    for one in (settings, longer):
        random = np.random.default_rng(0)
        inputs, target, _ = TASKS[NAME].draw(one, np.arange(32), dt_s, random)
        first_end = (inputs[..., 0] > 0).shape[1] - (inputs[:, ::-1, 0] > 0).argmax(1)
        onset = (inputs[..., 1] > 0).argmax(1)
        gaps.append((onset - first_end) * dt_s)
        answer = (target[..., 0] != 0).argmax(1) - onset
        assert ((answer * dt_s).round(9) == 0.15).all(), "pulse and wait"
        assert inputs.shape[1] == round((0.35 + one.delay_s) / dt_s)
    np.testing.assert_allclose(gaps[0][::2], 0.05 + 0.01 * np.arange(16))
    np.testing.assert_allclose(gaps[1], 2 * gaps[0])


def test_one_delay_is_the_longest_and_the_shortest_is_a_share_of_it(draw):
    settings, (_, target, _) = draw(NAME, [1], 0.01, delays=1)
    assert settings.types == 2 and (target[0, :, 0] != 0).argmax() == 45
    _, (_, target, _) = draw(NAME, [1, 3], 0.01, delays=2, shortest=0.5)
    assert (target[..., 0] != 0).argmax(1).tolist() == [35, 45]


@pytest.mark.parametrize("difference", [False, True])
def test_channels_are_compared_one_by_one(draw, correct, difference):
    given = {"channels": 3, "difference": difference, "delays": 2}
    settings, trials = draw(NAME, np.arange(160) % 16, 0.01, **given)
    inputs, target, _ = trials
    assert settings.types == 16 and inputs.shape[2] == settings.inputs == 6
    assert target.shape[2] == settings.outputs == (6 if difference else 3)
    change = inputs.max(1)[:, 1::2] - inputs.max(1)[:, 0::2]
    signs = np.where(np.arange(160)[:, None] >> np.arange(3) & 1, 1, -1)
    np.testing.assert_array_equal(np.sign(change), signs)
    answer = np.take_along_axis(
        target, (target[..., 0] != 0).argmax(1)[:, None, None], axis=1
    )[:, 0]
    np.testing.assert_array_equal(answer[:, :3], signs)
    if difference:
        np.testing.assert_allclose(answer[:, 3:], np.abs(change) / 10)
    assert correct(settings, trials, 0.01).all()
    sizes = np.corrcoef(np.abs(change).T)
    assert np.abs(sizes - np.eye(3)).max() < 4 / np.sqrt(160)


def test_a_trial_is_right_when_every_channel_is(draw, correct):
    settings, trials = draw(NAME, np.arange(32), 0.01, channels=2, delays=8)
    wrong = trials.target_BTO.copy()
    wrong[::2, :, 1] *= -1
    right = correct(settings, trials, 0.01, output=wrong)
    np.testing.assert_array_equal(right, np.arange(32) % 2 == 1)
    guess = np.ones_like(trials.target_BTO)
    assert correct(settings, trials, 0.01, output=guess).mean() == 0.25


def test_more_trials_only_add(draw):
    _, (inputs, _, _) = draw(NAME, np.arange(12))
    _, (fewer, _, _) = draw(NAME, np.arange(5))
    np.testing.assert_array_equal(fewer, inputs[:5])
