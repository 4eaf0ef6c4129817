"""Sine waves against counts, other time steps and the published script."""

import numpy as np
import pytest
from scipy import stats

from popnet.config import ConfigError
from popnet.tasks import TASKS


def test_the_wave_has_the_frequency_of_its_input(draw):
    settings, (inputs, target, mask) = draw("sines", np.arange(30))
    assert inputs.shape == target.shape == (30, 1000, 1) and mask.all()
    assert settings.types == 30
    for hertz, given, wave in zip(range(1, 31), inputs, target, strict=True):
        assert (given == given[0]).all()
        assert given[0, 0] == pytest.approx(hertz / 30)
        upwards = (wave[:-1, 0] < -1e-9) & (wave[1:, 0] >= -1e-9)
        assert upwards.sum() == hertz, "once a cycle"
        assert np.abs(wave).max() == pytest.approx(1, abs=0.01)
        assert wave[0, 0] == pytest.approx(np.sin(2 * np.pi * hertz * 0.001))


def test_time_is_that_of_the_ends_of_the_steps(draw):
    _, (_, coarse, _) = draw("sines", [0, 4, 11], 0.01)
    _, (_, fine, _) = draw("sines", [0, 4, 11], 0.001)
    assert coarse.shape == (3, 100, 1), "the 100 steps of 10 ms"
    np.testing.assert_allclose(coarse, fine[:, 9::10], atol=1e-12)


def test_every_channel_has_a_wave_of_its_own(draw, correct):
    law = {"channels": 3, "frequencies": 5, "lowest_hz": 2.0, "highest_hz": 10.0}
    settings, trials = draw("sines", np.arange(1000) % 5, 0.01, **law)
    inputs, target, _ = trials
    assert settings.inputs == settings.outputs == 3
    hertz = inputs[:, 0] * 10
    np.testing.assert_allclose(hertz[:, 0], 2 + 2 * (np.arange(1000) % 5))
    for channel in (1, 2):
        _, counts = np.unique(hertz[:, channel].round(6), return_counts=True)
        assert len(counts) == 5 and stats.chisquare(counts).pvalue > 1e-3
    assert np.abs(np.corrcoef(hertz.T) - np.eye(3)).max() < 4 / np.sqrt(1000)
    for trial in (0, 1, 999):
        for step in (0, 7, 99):
            angle = 2 * np.pi * hertz[trial] * 0.01 * (step + 1)
            np.testing.assert_allclose(target[trial, step], np.sin(angle), atol=1e-12)
    swapped = trials._replace(input_BTI=inputs[..., [0, 2, 1]])
    same = hertz[:, 1] == hertz[:, 2]
    np.testing.assert_array_equal(correct(settings, swapped, 0.01), same)


def test_more_trials_or_longer_ones_only_add(draw):
    given = {"channels": 2, "frequencies": 4}
    settings, (inputs, target, _) = draw("sines", [0, 1, 2, 3], 0.01, **given)
    _, (fewer, _, _) = draw("sines", [0, 1], 0.01, **given)
    np.testing.assert_array_equal(fewer, inputs[:2])
    _, (_, longer, _) = draw("sines", [0, 1, 2, 3], 0.01, trial_s=2.0, **given)
    np.testing.assert_array_equal(longer[:, :100], target)
    assert settings.with_epochs({"trial": 2.0}).trial_s == 2


@pytest.mark.parametrize(("short", "right"), [(0.31, True), (0.32, False)])
def test_a_wave_is_right_up_to_a_squared_error_of_5_hundredths(
    draw, correct, short, right
):
    # a wave too small by a share s has the squared error s^2 / 2
    settings, trials = draw("sines", [2, 9])
    output = (1 - short) * trials.target_BTO
    assert (correct(settings, trials, output=output) == right).all()
    late = np.roll(trials.target_BTO, 20, axis=1)
    assert not correct(settings, trials, output=late).any()


def test_the_sum_is_that_of_the_published_script(draw, correct):
    settings, trials = draw("sum_of_sines", [0, 0])
    inputs, target, mask = trials
    assert inputs.shape == target.shape == (2, 14400, 1) and mask.all()
    time = 0.1 * np.arange(1, 14401)  # in time constants of 10 ms
    amplitude, pace = 1.3, np.pi / 60
    waves = amplitude * np.sin(pace * time) + amplitude / 2 * np.sin(2 * pace * time)
    waves += amplitude / 6 * np.sin(3 * pace * time)
    waves += amplitude / 3 * np.sin(4 * pace * time)
    for trial in target:
        np.testing.assert_allclose(trial[:, 0], waves / 1.5, atol=1e-11)
    np.testing.assert_allclose(target[:, 1200:], target[:, :-1200], atol=1e-11)
    assert (inputs[:, :50] == 5).all() and not inputs[:, 50:].any()
    assert correct(settings, trials).all()


def test_the_pattern_begins_with_the_pulse(draw):
    settings, (inputs, target, _) = draw("sum_of_sines", [0], 0.01, trial_s=3.0)
    late = np.roll(inputs, 30, axis=1)
    answer = TASKS["sum_of_sines"].observe(settings, late, 0.01)
    assert not answer[:, :30].any()
    np.testing.assert_allclose(answer[:, 30:], target[:, :-30], atol=1e-12)


def test_one_harmonic_is_a_sine_of_the_period(draw):
    given = {"amplitudes": (0.0, 2.0), "period_s": 0.5, "trial_s": 1.0}
    _, (_, target, _) = draw("sum_of_sines", [0], 0.01, **given)
    expected = 2 * np.sin(2 * np.pi * 4 * 0.01 * np.arange(1, 101))
    np.testing.assert_allclose(target[0, :, 0], expected, atol=1e-12)


def test_a_pulse_longer_than_the_trial_is_refused(plan_of):
    task = {"name": "sum_of_sines", "trial_s": 0.04}
    with pytest.raises(
        ConfigError, match=r"pulse_s: got 0.05; must be at most trial_s"
    ):
        plan_of(task=task, rule="bptt")
