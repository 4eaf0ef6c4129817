"""Measures of trajectories whose numbers are closed forms."""

import numpy as np
import pytest

from popnet.measures import MEASURES, ActivitySeen, ChangeSeen, TrialsSeen

DT_S = 0.001
T = 1000
WHOLE_TURNS = 2 * np.pi * 5 * np.arange(T) / T
"""phase of 5 turns in T steps: w = 2 pi 5 / s"""
CIRCLE = np.stack([np.cos(WHOLE_TURNS), np.sin(WHOLE_TURNS)], axis=1)[None]


def of_activity(name, rates, dt_s=DT_S, **given):
    measure = MEASURES[name]
    seen = ActivitySeen(rates, dt_s)
    if measure.settings.needs == "change":
        seen = ChangeSeen(rates, given.pop("other", rates), dt_s)
    return measure.of(measure.settings(**given), seen)


def pca_dimension(rates, **given):
    return of_activity("pca_dimension", rates, **given)


def participation_ratio(rates):
    return of_activity("participation_ratio", rates)


def speed(rates, dt_s):
    return of_activity("speed", rates, dt_s)


def condition_distance_T(rates):
    return of_activity("condition_distance_t", rates)


def autocorrelation_s(rates, dt_s):
    return of_activity("autocorrelation_s", rates, dt_s)


def trajectory_change(rates, other):
    return of_activity("trajectory_change", rates, other=other)


def cloud(seed, shape=(2, 40, 5)):
    return np.random.default_rng(seed).standard_normal(shape)


def rotation(seed, units):
    return np.linalg.qr(cloud(seed, (units, units)))[0]


ONE_NETWORK = [
    pca_dimension,
    participation_ratio,
    lambda r: speed(r, DT_S),
    lambda r: of_activity("condition_distance", r),
    lambda r: autocorrelation_s(r, DT_S),
    lambda r: trajectory_change(r, r),
]


def test_two_equal_orthogonal_directions_are_two_dimensions():
    units = 3 + CIRCLE @ rotation(0, 7)[:2]
    assert participation_ratio(units) == pytest.approx(2)
    assert pca_dimension(units) == 2
    assert pca_dimension(units, share=0.5) == 1
    assert pca_dimension(units, share=0.51) == 2
    assert pca_dimension(units, share=1.0) == 2


@pytest.mark.parametrize("d", [1, 4, 12])
def test_an_isotropic_cloud_of_d_dimensions(d):
    units = cloud(0, (4, 4000, d)) @ rotation(1, 20)[:d]
    assert participation_ratio(units) == pytest.approx(d, rel=0.01)
    assert pca_dimension(units) == np.ceil(0.9 * d)


def test_dimensions_of_known_variances():
    # variances 4 : 1 : 1 along the axes, one sample at each end of each
    samples = np.concatenate([np.diag([2.0, 1, 1]), -np.diag([2.0, 1, 1])])[None]
    assert participation_ratio(samples) == pytest.approx(36 / 18)
    assert pca_dimension(samples, share=0.66) == 1
    assert pca_dimension(samples, share=0.8) == 2


def test_the_speed_of_a_circle_is_frequency_times_amplitude():
    w = 2 * np.pi * 5  # per second
    chord = np.sin(w * DT_S / 2) / (w * DT_S / 2)
    expected = 3 * w / np.sqrt(2) * chord  # amplitude 3, rms over two units
    assert speed(3 * CIRCLE, DT_S) == pytest.approx(expected)
    assert speed(3 * CIRCLE, 2 * DT_S) == pytest.approx(expected / 2)
    still = np.concatenate([3 * CIRCLE, 0 * CIRCLE])
    assert speed(still, DT_S) == pytest.approx(expected / 2)


def test_distance_between_conditions_by_hand():
    a, b, c = np.zeros((2, 4)), np.ones((2, 4)), np.array([[3.0] * 4, [1, 1, 1, 1]])
    np.testing.assert_allclose(condition_distance_T([a, b]), [1, 1])
    np.testing.assert_allclose(condition_distance_T([a, b, c]), [2, 2 / 3])
    corner = [[[0.0, 0]], [[3.0, 4]]]
    np.testing.assert_allclose(condition_distance_T(corner), [5 / np.sqrt(2)])


def test_the_autocorrelation_of_a_cosine_falls_to_1_over_e_at_its_arc_cosine():
    turns = 2 * np.pi * 20 * np.arange(20 * T) / (20 * T)  # 20 turns in 20 s
    found = autocorrelation_s(np.cos(turns)[None, :, None], DT_S)
    assert found == pytest.approx(np.arccos(np.exp(-1)) / (2 * np.pi), rel=0.01)


@pytest.mark.parametrize("tau_s", [0.02, 0.1])
def test_the_autocorrelation_time_of_noise_with_one_time_constant(tau_s):
    random, decay = np.random.default_rng(0), np.exp(-DT_S / tau_s)
    x_TN = random.standard_normal((20 * T, 50))
    for t in range(1, len(x_TN)):
        x_TN[t] = decay * x_TN[t - 1] + np.sqrt(1 - decay**2) * x_TN[t]
    silent = np.concatenate([x_TN, np.full((20 * T, 30), 0.7)], axis=1)
    for activity in (x_TN, silent):
        assert autocorrelation_s(activity[None], DT_S) == pytest.approx(tau_s, rel=0.05)


def test_autocorrelation_time_against_sums_written_out():
    x_KTN = cloud(3, (3, 30, 4)).cumsum(axis=1)
    x_KTN = x_KTN - x_KTN.mean(axis=1, keepdims=True)
    a_L = [
        np.mean(
            [
                sum(x[t, n] * x[t + lag, n] for x in x_KTN for t in range(30 - lag))
                / np.sum(x_KTN[:, :, n] ** 2)
                for n in range(4)
            ]
        )
        for lag in range(30)
    ]
    assert sum(a_L[1:]) == pytest.approx(-0.5)
    lag = next(lag for lag, a in enumerate(a_L) if a < np.exp(-1))
    expected = np.interp(-np.exp(-1), [-a_L[lag - 1], -a_L[lag]], [lag - 1, lag])
    assert autocorrelation_s(x_KTN + 5, DT_S) == pytest.approx(expected * DT_S)


def activity_change(rates, other):
    measure = MEASURES["activity_change"]
    return measure.of(measure.settings(), TrialsSeen(rates, other, DT_S))


def test_the_change_of_activity_is_in_its_own_deviations_trial_by_trial():
    r = np.array([[[6.0, 2], [4, 2]], [[6, 2], [4, 2]]])
    r[..., 1] += [[-1, 1], [1, -1]]  # both units of deviation 1
    shift = np.array([50, -7])
    assert activity_change(r, r) == 0
    assert activity_change(r, r + 3) == pytest.approx(3)
    assert activity_change(r + shift, r + (shift + 3)) == pytest.approx(3)
    # up in one trial and down in another: no change of the mean, and yet a change
    signs = np.array([1, -1])[:, None, None]
    assert activity_change(r, r + 2 * signs) == pytest.approx(2)
    assert np.isnan(activity_change(r, r[:, :1]))
    assert np.isnan(activity_change(np.ones((2, 3, 4)), np.ones((2, 3, 4))))
    unrelated = activity_change(cloud(0, (2, 500, 20)), cloud(1, (2, 500, 20)))
    assert unrelated == pytest.approx(np.sqrt(2), rel=0.02)


def test_trajectory_change_by_hand():
    r = np.array([[[6.0, 2], [4, 2]], [[6, 2], [4, 2]]])  # of spread 1
    assert trajectory_change(r, r) == 0
    assert trajectory_change(r, 7 - r) == pytest.approx(np.sqrt((25 + 1) / 2 + 9))
    assert trajectory_change(2 * r, 2 * r[:, ::-1]) == pytest.approx(2)
    assert np.isnan(trajectory_change(r, r[:1]))
    unrelated = trajectory_change(cloud(0, (2, 500, 20)), cloud(1, (2, 500, 20)))
    assert unrelated == pytest.approx(np.sqrt(2), rel=0.02)


def test_activity_that_does_not_vary_has_no_dimension_and_no_speed():
    constant = np.full((2, 6, 3), 0.1)  # a mean of 12 is rounded
    for number in ONE_NETWORK[:2] + ONE_NETWORK[4:]:
        assert np.isnan(number(constant))
    assert speed(constant, DT_S) == 0
    assert condition_distance_T(constant).tolist() == [0] * 6
    assert np.isnan(speed(cloud(0)[:, :1], DT_S))
    assert np.isnan(condition_distance_T(cloud(0)[:1])).all()


@pytest.mark.parametrize("number", ONE_NETWORK)
@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_a_rate_that_is_not_finite_gives_nan(number, lost):
    rates = cloud(0)
    assert np.isfinite(number(rates))
    rates[0, 3, 1] = lost
    assert np.isnan(number(rates))
