"""Learning curves drawn by hand."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from popnet.measures import MEASURES, CurveSeen
from popnet.measures.relapses import MARGIN, WINDOW

NAN = float("nan")
UNIT = st.floats(0, 2)


class Found(NamedTuple):
    area: float
    relapses: float
    variance: float
    residual: float


def error_dynamics(trial_C, error_C, accuracy_C, met, criterion=0.95):
    seen = CurveSeen(trial_C, error_C, accuracy_C, met, criterion)
    chosen = {name: MEASURES[name] for name in Found._fields}
    return Found(**{n: m.of(m.settings(), seen) for n, m in chosen.items()})


def ends(*lengths):
    return np.cumsum(lengths)


def relapses(accuracy_C, met=100, criterion=0.95):
    trial_C = 20 * (1 + np.arange(len(accuracy_C)))
    return error_dynamics(trial_C, 0 * trial_C, accuracy_C, met, criterion).relapses


@given(UNIT, st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_a_constant_error_is_its_own_area_and_residual(error, lengths):
    found = error_dynamics(ends(*lengths), [error] * len(lengths), lengths, None)
    assert found.area == pytest.approx(error)
    assert found.residual == pytest.approx(error)
    assert np.isnan([found.relapses, found.variance]).all()


@given(st.lists(UNIT, min_size=12, max_size=40))
def test_splitting_blocks_changes_nothing(errors):
    trial_C = 20 * (1 + np.arange(len(errors)))
    whole = error_dynamics(trial_C, errors, np.ones(len(errors)), 200)
    halves = 10 * (1 + np.arange(2 * len(errors)))
    split = error_dynamics(halves, np.repeat(errors, 2), np.ones(len(halves)), 200)
    np.testing.assert_allclose(split, whole, atol=1e-9)


def test_blocks_count_by_their_length():
    found = error_dynamics(ends(20, 20, 5), [1.0, 0.5, 0.1], [0, 0.5, 1], 20)
    assert found.area == pytest.approx((20 * 1 + 20 * 0.5 + 5 * 0.1) / 45)
    mean = (20 * 0.5 + 5 * 0.1) / 25
    expected = (20 * (0.5 - mean) ** 2 + 5 * (0.1 - mean) ** 2) / 25
    assert found.variance == pytest.approx(expected)
    assert found.residual == found.area  # fewer trials than 500


def test_the_residual_is_of_the_last_trials_alone():
    curve = ends(300, 400, 300), [9, 1.0, 0.0], [0, 1, 1]
    assert error_dynamics(*curve, None).residual == pytest.approx(200 / 500)
    settings, of = MEASURES["residual"]
    last = [of(settings(last=n), CurveSeen(*curve, None)) for n in (100, 400, 5000)]
    assert last == pytest.approx([0, 100 / 400, (300 * 9 + 400) / 1000])


def test_variance_is_of_blocks_wholly_after_the_criterion():
    blocks = ends(20, 20, 20, 20), [9.0, 5.0, 1.0, 3.0], [1.0] * 4
    assert error_dynamics(*blocks, 40).variance == pytest.approx(1)
    assert error_dynamics(*blocks, 30).variance == pytest.approx(1)
    assert error_dynamics(*blocks, 20).variance == pytest.approx(8 / 3)
    assert np.isnan(error_dynamics(*blocks, 50).variance)  # one block


def test_relapses_by_hand():
    assert (WINDOW, MARGIN) == (100, 0.1)
    learned, lost = [1.0] * 5, [0.5] * 5
    assert relapses(learned * 4) == 0
    assert relapses(learned + lost + learned) == 1
    assert relapses(learned + lost + learned + lost) == 2
    assert relapses(lost + learned + learned, met=200) == 0  # bad before it learned
    assert relapses([*learned, 0.3, *learned]) == 0  # 0.86 over 100 trials
    assert relapses([*learned, 0.2, *learned]) == 1  # 0.84
    assert relapses([*learned, 0.25, *learned]) == 0  # 0.85 is not below
    assert relapses([*learned, 0.2, *learned], criterion=0.9) == 0
    # nor is 0.7 below 0.8 - 0.1, which is rounded up
    assert relapses([0.8] * 5 + [0.7] * 5, criterion=0.8) == 0


def test_a_relapse_ends_only_at_the_criterion():
    learned, lost, middling = [1.0] * 5, [0.5] * 5, [0.9] * 5
    assert relapses(learned + lost + middling + lost + learned) == 1
    assert relapses(learned + lost + [0.95] * 5 + lost) == 2
    # a tremble around the lower border is one relapse
    assert relapses(learned + [0.84, 0.86] * 20) == 1


def test_a_criterion_met_inside_the_first_window():
    # over the 40 trials there are, not 100
    assert relapses([1.0, 0.5], met=20) == 1
    assert relapses([1.0, 1.0], met=20) == 0


@pytest.mark.parametrize("met", [None, 60, 100])
def test_without_trials_after_the_criterion_nothing_is_said_of_them(met):
    found = error_dynamics(ends(20, 20, 20), [1, 1, 1], [1, 1, 1], met)
    assert found[0] == 1
    assert np.isnan([found.relapses, found.variance]).all()


def test_no_curve_and_a_diverged_network():
    assert np.isnan(error_dynamics([], [], [], None)).all()
    for lost in (NAN, np.inf):
        assert np.isnan(error_dynamics([20, 40], [1, lost], [1, 0], 20)).all()


def test_without_a_criterion_of_accuracy_nothing_counts_as_a_relapse():
    found = error_dynamics(ends(20, 20), [1.0, 0.5], [1.0, 0.1], 20, NAN)
    assert np.isnan(found.relapses) and found.area == 0.75
