"""The numbers of the report against scipy, closed forms and hand-made cases."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from popnet.report.comparison import condition_means
from popnet.report.statistics import (
    distance_matrix,
    mean_interval,
    quartiles,
)

SAMPLE = np.random.default_rng(5).beta(8, 2, size=12)


def test_quartiles_of_known_values_ignore_what_is_not_finite():
    assert quartiles([1, 2, 3, 4, 5, np.nan, np.inf]) == (2.0, 3.0, 4.0)
    assert np.isnan(quartiles([]).median)


def test_interval_agrees_with_scipy():
    theirs = stats.ttest_1samp(SAMPLE, 0).confidence_interval(0.95)
    ours = mean_interval(SAMPLE)
    assert ours.mean == SAMPLE.mean()
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_interval_stays_within_what_an_accuracy_can_be():
    assert mean_interval([0.9, 1.0, 1.0]).high == 1.0
    assert mean_interval([0.2, 0.8]) == (0.5, 0.0, 1.0, 2)


@pytest.mark.parametrize(
    ("draw", "mean", "at_least"),
    [
        (lambda generator: generator.normal(0.7, 0.05, size=6), 0.7, 0.92),
        (lambda generator: generator.uniform(size=6), 0.5, 0.92),
        (lambda generator: generator.beta(20, 1, size=6), 20 / 21, 0.87),
    ],
    ids=["normal", "uniform", "near 1"],
)
def test_the_interval_of_six_networks_holds_the_mean_as_often_as_it_says(
    draw, mean, at_least
):
    generator = np.random.default_rng(17)
    found = [mean_interval(draw(generator)) for _ in range(2000)]
    held = np.mean([interval.low <= mean <= interval.high for interval in found])
    assert at_least <= held <= 0.97


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
