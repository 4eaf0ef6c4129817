"""Trials to criterion with failures, on cases counted by hand."""

import numpy as np
import pytest
from scipy import stats

from popnet.analysis.trials_to_criterion import (
    LEAST,
    censored_means,
    learning_trials,
    trials_or_cap,
    trials_quantiles,
)

NEVER = np.nan


def test_failures_stand_at_their_cap_and_the_rest_at_their_trials():
    status = ["converged", "unconverged", "diverged", "diverged", "trained"]
    found = trials_or_cap(status, [120, NEVER, NEVER, 300, NEVER], 4000)
    assert list(found.trials[:4]) == [120, 4000, 4000, 4000]
    assert np.isnan(found.trials[4])
    assert list(found.failed) == [False, True, True, True, False]


def test_every_network_has_its_own_cap():
    found = trials_or_cap(["unconverged", "diverged"], [NEVER, 5], [1000, 2000])
    assert list(found.trials) == [1000, 2000]


def test_a_quantile_that_hangs_on_failures_is_a_bound():
    status = ["converged"] * 3 + ["unconverged"] * 2
    found = trials_or_cap(status, [100, 200, 300, NEVER, NEVER], 4000)
    assert trials_quantiles(found, [0.25, 0.5, 0.75]) == [
        (200, False),
        (300, False),
        (4000, True),
    ]
    # halfway between a measured value and a cap: more than that
    assert trials_quantiles(found, [0.625]) == [(2150, True)]


def test_meeting_the_criterion_at_the_last_trial_is_no_bound():
    found = trials_or_cap(["converged"], [4000], 4000)
    assert trials_quantiles(found, [0.5]) == [(4000, False)]


def test_a_small_cap_below_measured_values_is_a_bound_for_all_above_it():
    status = ["unconverged", "converged", "converged"]
    found = trials_or_cap(status, [NEVER, 500, 900], [100, 2000, 2000])
    assert trials_quantiles(found, [0.5]) == [(500, True)]


@pytest.mark.parametrize("status", [[], ["trained", "trained"]])
def test_without_a_criterion_there_is_no_quantile(status):
    found = trials_or_cap(status, [NEVER] * len(status), 4000)
    (median,) = trials_quantiles(found, [0.5])
    assert np.isnan(median.trials)
    assert not median.bound


def test_learning_trials_are_those_between_the_wait_and_the_window():
    # 101 trials without learning, 95 of the last 100 right
    found = learning_trials([101 + 40 + 95, 101 + 80 + 95, 150], 101, 100, 0.95)
    assert found[1] / found[0] == 2
    assert found[2] == LEAST
    assert list(learning_trials([500.0], 0, 50, 1.0)) == [450]


@pytest.mark.parametrize("cap", [2.6, 3.4, 9.0])
def test_means_of_censored_values_are_those_of_the_likelihood(cap):
    values = np.random.default_rng(2).normal(3, 1, 24)
    failed = values > cap
    seen = np.minimum(values, cap)
    data = stats.CensoredData(uncensored=seen[~failed], right=seen[failed])
    weights = np.vstack([np.ones(24), 1 - np.eye(24)])
    found = censored_means(seen, failed, weights)
    assert found[0] == pytest.approx(stats.norm.fit(data)[0], abs=1e-4)
    left = np.arange(24) != 5
    data = stats.CensoredData(
        uncensored=seen[left & ~failed], right=seen[left & failed]
    )
    assert found[6] == pytest.approx(stats.norm.fit(data)[0], abs=1e-4)


def test_without_failures_they_are_plain_means_and_without_successes_none():
    values, never = np.array([1.0, 5, 2, NEVER]), np.zeros(4, bool)
    assert censored_means(values, never, np.ones((1, 4))) == [8 / 3]
    few = np.array([True, True, False, False])
    assert np.isnan(censored_means([3.0, 3, 1, 2], few, np.ones((1, 4)))).all()
