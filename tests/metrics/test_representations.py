"""Metrics on single trials: what they see, their floors and their nulls."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from popnet.metrics import METRICS, Subject
from popnet.metrics._samples import SampledSettings, chosen_samples

SAMPLED = [
    name for name, one in METRICS.items() if issubclass(one.settings, SampledSettings)
]


def rates(seed, units=30, noise=0.0, trials=8, steps=50, signals=4):
    """Smooth signals that all networks share, read out by units of their own."""
    common, own = np.random.default_rng(1), np.random.default_rng(100 + seed)
    shared = np.cumsum(common.standard_normal((trials, steps, signals)), axis=1) / 5
    mixed = np.tanh(shared @ own.standard_normal((signals, units)))
    other = np.random.default_rng(200 + seed).standard_normal(mixed.shape)
    return (mixed + noise * other).astype(np.float32)


def value(name, one, other, **given):
    metric = METRICS[name]
    settings = metric.settings(**given)
    a, b = (metric.prepare(settings, subject) for subject in (one, other))
    return metric.compare(settings, [a], [b])[0]


def alike(name, *pair, **given):
    """The value of a similarity; for a distance, less it."""
    sign = 1 if METRICS[name].settings.kind == "similarity" else -1
    return sign * value(name, *pair, **given)


def equal(name):
    least, most = METRICS[name].settings.range
    return most if METRICS[name].settings.kind == "similarity" else -least


def seen(rates_BTN, again=None):
    return Subject(trained_BTN=rates_BTN, again_BTN=again)


def test_there_are_metrics_on_single_trials():
    assert len(SAMPLED) >= 4


@pytest.mark.parametrize("name", SAMPLED)
def test_the_floor_is_reached_without_noise_and_not_with_it(name):
    room = 1e-3 if METRICS[name].settings.kind == "distance" else 1e-6
    one = rates(0)
    silent = seen(one, one)
    assert alike(name, silent, silent, again=True) == pytest.approx(
        equal(name), abs=room
    )
    found = [equal(name)]
    for size in (0.05, 0.3):
        noise = size * np.random.default_rng(2).standard_normal((2, *one.shape))
        noisy = seen(*(one + noise).astype(np.float32))
        found.append(alike(name, noisy, noisy, again=True))
    assert found[0] > found[1] > found[2]
    # it is the value of the two runs of one network
    runs = seen(noisy.trained_BTN), seen(noisy.again_BTN)
    assert alike(name, *runs) == pytest.approx(found[2], abs=1e-6)


@pytest.mark.parametrize("name", SAMPLED)
def test_the_null_of_units_that_do_not_act_together_is_farther(name):
    one, other = seen(rates(0)), seen(rates(1))
    assert alike(name, one, other) > alike(name, one, other, shuffled=True) + 0.05


@pytest.mark.parametrize("name", SAMPLED)
def test_networks_of_other_sizes_are_compared(name):
    small, large = seen(rates(0, units=20)), seen(rates(1, units=45))
    silent = np.concatenate([rates(0, units=20), np.zeros((8, 50, 6))], axis=2)
    found = value(name, small, large)
    assert np.isfinite(found)
    padded = value(name, seen(silent.astype(np.float32)), large)
    assert padded == pytest.approx(found, abs=1e-5)


@pytest.mark.parametrize("name", SAMPLED)
@pytest.mark.parametrize("seed", range(3))
def test_a_rotated_shifted_and_scaled_copy_is_no_other_network(name, seed):
    one = rates(seed, noise=0.1)
    turn = ortho_group.rvs(30, random_state=seed)
    copy = (3 * one @ turn + np.arange(30)).astype(np.float32)
    other = seen(rates(seed + 10, noise=0.1))
    room = 2e-3 if METRICS[name].settings.kind == "distance" else 1e-5
    assert alike(name, seen(one), seen(copy)) == pytest.approx(equal(name), abs=room)
    found = value(name, seen(copy), other)
    assert found == pytest.approx(value(name, seen(one), other), abs=1e-4)


@pytest.mark.parametrize("name", SAMPLED)
def test_what_is_kept_of_a_long_recording_is_small_and_stands_for_all(name):
    """32 trials of 500 steps of 100 units: 6.4 MB."""
    long = {"units": 100, "trials": 32, "steps": 500, "noise": 0.2}
    one, other = (seen(rates(seed, **long)) for seed in (0, 1))
    metric = METRICS[name]
    kept = metric.prepare(metric.settings(), one)
    assert sum(array.nbytes for array in kept.values()) < 1e6
    few, many = (value(name, one, other, samples=n) for n in (512, 1024))
    assert few == pytest.approx(many, abs=0.08)


def test_the_samples_are_drawn_by_their_number_alone():
    one, other = rates(0), rates(1)
    place = np.arange(400).reshape(8, 50, 1)
    chosen = chosen_samples(place, 60)[:, 0]
    assert len(set(chosen)) == 60 and (np.diff(chosen) > 0).all()
    for run in (one, other):
        flat = run.reshape(400, -1)
        np.testing.assert_array_equal(chosen_samples(run, 60), flat[chosen])
    assert len(np.unique(chosen // 50)) == 8  # of every trial
    np.testing.assert_array_equal(chosen_samples(one, 400), one.reshape(400, -1))


@pytest.mark.parametrize("name", SAMPLED)
def test_activity_that_does_not_vary_is_not_compared(name):
    still = seen(np.full((8, 50, 30), 0.2, np.float32))
    broken = seen(np.where(np.arange(30) == 3, np.nan, rates(0)).astype(np.float32))
    for other in (still, broken):
        assert np.isnan(value(name, seen(rates(0)), other))
        assert np.isnan(value(name, other, other))


@pytest.mark.parametrize("name", SAMPLED)
@pytest.mark.parametrize("other", ["untrained", "shuffled"])
def test_only_the_trained_network_runs_again(name, other):
    with pytest.raises(ValueError, match="only the trained network runs again"):
        METRICS[name].settings(again=True, **{other: True})


def test_debiased_cka_of_unrelated_networks_is_lower():
    one, other = (
        seen(np.random.default_rng(seed).standard_normal((4, 20, 40)))
        for seed in (0, 1)
    )
    assert value("cka", one, other) > 0.25
    assert abs(value("cka", one, other, debiased=True)) < 0.1


def test_svcca_keeps_the_share_that_is_asked_for():
    one, other = seen(rates(0)), seen(rates(1))
    metric = METRICS["svcca"]
    kept = [
        metric.prepare(metric.settings(share=v), one)["form"].shape[1]
        for v in (0.5, 0.9, 0.99)
    ]
    assert kept == sorted(set(kept))
    assert value("svcca", one, other, share=0.9) > value("svcca", one, other)


def test_rsa_by_correlation_is_blind_to_each_patterns_mean():
    one, other = rates(0), rates(1)
    lifted = one + np.linspace(0, 3, 50, dtype=np.float32)[:, None]
    given = {"dissimilarity": "correlation"}
    plain = value("rsa", seen(one), seen(other), **given)
    found = value("rsa", seen(lifted), seen(other), **given)
    assert found == pytest.approx(plain, abs=1e-4)
    euclidean = value("rsa", seen(lifted), seen(other))
    assert euclidean < value("rsa", seen(one), seen(other)) - 0.05
