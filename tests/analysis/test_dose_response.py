"""The dose at half the loss, against curves of which it is known."""

import numpy as np
import pytest

from popnet.analysis.dose_response import Dose, dose_at_half_loss, effect_at_dose

LEVELS = np.array([0.0, 1.0, 2.0, 4.0, 8.0])


@pytest.mark.parametrize("chance", [0.25, 0.5])
@pytest.mark.parametrize("slope", [0.05, 0.1, 0.2])
def test_a_straight_fall_is_half_way_where_it_is_by_hand(slope, chance):
    accuracy = np.maximum(0.95 - slope * LEVELS, chance)
    dose = dose_at_half_loss(LEVELS, accuracy, chance)
    half = (0.95 - chance) / 2 / slope
    if half <= 8 and np.allclose(accuracy[:-1], 0.95 - slope * LEVELS[:-1]):
        assert dose.reached and dose.level == pytest.approx(half)
    elif half > 8:
        assert dose == Dose(8.0, False)
    else:
        assert dose.reached


def test_a_step_lies_between_the_levels_beside_it():
    dose = dose_at_half_loss(LEVELS, [1.0, 1.0, 0.5, 0.5, 0.5], 0.5)
    assert dose == (1.5, True)


def test_what_is_never_lost_is_censored_at_the_top():
    assert dose_at_half_loss(LEVELS, [1, 1, 0.9, 0.8, 0.76], 0.5) == (8.0, False)
    # exactly half is half
    assert dose_at_half_loss(LEVELS, [1, 1, 1, 1, 0.75], 0.5) == (8.0, True)


def test_luck_at_one_level_is_smoothed():
    rough = dose_at_half_loss(LEVELS, [1.0, 0.7, 0.9, 0.6, 0.5], 0.5)
    smooth = dose_at_half_loss(LEVELS, [1.0, 0.8, 0.8, 0.6, 0.5], 0.5)
    assert rough == smooth
    # a test that goes better than without a perturbation costs nothing
    assert dose_at_half_loss(LEVELS, [0.9, 1, 1, 1, 1], 0.5) == (8.0, False)


def test_nothing_can_be_lost_at_chance():
    for accuracy in ([0.5, 0.5, 0.5, 0.5, 0.5], [0.4, 0.4, 0.3, 0.4, 0.4],
                     [0.9, np.nan, 0.5, 0.5, 0.5]):  # fmt: skip
        dose = dose_at_half_loss(LEVELS, accuracy, 0.5)
        assert np.isnan(dose.level) and not dose.reached
        assert np.isnan(effect_at_dose(LEVELS, LEVELS, dose))


def test_the_unit_of_the_level_is_that_of_the_dose():
    accuracy = [1.0, 0.9, 0.8, 0.6, 0.5]
    one = dose_at_half_loss(LEVELS, accuracy, 0.5)
    other = dose_at_half_loss(1000 * LEVELS, accuracy, 0.5)
    assert other.level == pytest.approx(1000 * one.level)
    assert effect_at_dose(LEVELS, 3 * LEVELS, one) == pytest.approx(3 * one.level)


@pytest.mark.parametrize("levels", [[1, 2, 3], [0, 2, 1], [0, 1, 1], [0]])
def test_levels_ascend_from_nothing(levels):
    with pytest.raises(ValueError, match="ascend from 0"):
        dose_at_half_loss(levels, np.ones(len(levels)), 0.5)
