"""The numbers of the report against scipy, closed forms and hand-made cases."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from popnet.report.comparison import condition_means
from popnet.report.statistics import (
    carried_forward,
    distance_matrix,
    mean_interval,
    quartiles,
)

SAMPLE = np.random.default_rng(5).beta(8, 2, size=12)


def test_quartiles_of_known_values_ignore_what_is_not_finite():
    assert quartiles([1, 2, 3, 4, 5, np.nan, np.inf]) == (2.0, 3.0, 4.0)
    assert np.isnan(quartiles([]).median)


def test_interval_agrees_with_scipy():
    theirs = stats.bootstrap(
        (SAMPLE,), np.mean, method="percentile", n_resamples=20_000, rng=3
    ).confidence_interval
    ours = mean_interval(SAMPLE)
    scale = SAMPLE.std() / np.sqrt(SAMPLE.size)
    assert ours.mean == SAMPLE.mean()
    assert ours.low == pytest.approx(theirs.low, abs=0.1 * scale)
    assert ours.high == pytest.approx(theirs.high, abs=0.1 * scale)


def test_interval_of_two_values_is_known():
    """Means of two draws are a, (a+b)/2 or b with probability 1/4, 1/2, 1/4."""
    assert mean_interval([0.2, 0.8]) == (0.5, 0.2, 0.8, 2)


def test_interval_of_many_values_is_the_normal_one():
    many = np.random.default_rng(6).normal(0.7, 0.1, size=400)
    half = 1.96 * many.std() / np.sqrt(many.size)
    _, low, high, _ = mean_interval(many)
    assert (high - low) / 2 == pytest.approx(half, rel=0.06)


def test_one_network_has_no_interval_and_none_has_no_mean():
    mean, low, high, count = mean_interval([np.nan, 0.9])
    assert (mean, count) == (0.9, 1)
    assert np.isnan(low)
    assert np.isnan(high)
    assert mean_interval([]).networks == 0


def test_a_stopped_network_counts_on_with_its_last_block():
    curves = pd.DataFrame(
        {
            "key": ["a", "a", "b", "b", "b"],
            "trial": [50, 80, 50, 100, 150],
            "error": [1.0, 0.2, 1.0, 0.8, 0.6],
        }
    )
    wide = carried_forward(curves, "error")
    assert list(wide.index) == [50, 80, 100, 150]
    assert list(wide["a"]) == [1.0, 0.2, 0.2, 0.2]
    assert list(wide["b"]) == [1.0, 1.0, 0.8, 0.6]


def test_distance_matrix_follows_the_order_of_the_keys():
    pairs = pd.DataFrame(
        [("a", "b", 1.0), ("c", "a", 2.0), ("a", "stranger", 9.0)],
        columns=["key_a", "key_b", "value"],
    )
    matrix = distance_matrix(pairs, ["c", "b", "a"])
    assert matrix[0, 2] == matrix[2, 0] == 2.0
    assert matrix[1, 2] == matrix[2, 1] == 1.0
    assert np.isnan(matrix[0, 1])
    assert np.isnan(np.diag(matrix)).all()


def test_condition_means_leave_missing_cells_out():
    matrix = np.array([[np.nan, 1.0, 4.0], [1.0, np.nan, 6.0], [4.0, 6.0, np.nan]])
    means = condition_means(matrix, np.array([0, 2, 3]))
    assert means[0, 0] == 1.0
    assert means[0, 1] == means[1, 0] == 5.0
    assert np.isnan(means[1, 1])
