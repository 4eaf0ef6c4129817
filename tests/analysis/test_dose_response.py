"""The dose at half the loss, against curves whose dose is known."""

import numpy as np
import pytest

from popnet.analysis.dose_response import dose_at_half_loss, falling


@pytest.mark.parametrize("own", [1.0, 0.9])
@pytest.mark.parametrize("chance", [0.5, 0.25, 0.0])
def test_a_straight_fall_has_its_half_in_the_middle(own, chance):
    doses = np.array([0.0, 1.0, 2.0, 5.0, 10.0])
    accuracy = own - (own - chance) * doses / 10
    found = dose_at_half_loss(doses, accuracy, own, chance)
    assert found == (pytest.approx(5.0), False)


def test_an_exponential_fall_has_its_half_at_log_2():
    doses = np.linspace(0, 10, 2001)
    accuracy = 0.5 + 0.45 * np.exp(-doses / 1.7)
    found = dose_at_half_loss(doses, accuracy, 0.95, 0.5)
    assert found.dose == pytest.approx(1.7 * np.log(2), rel=1e-5)
    scaled = dose_at_half_loss(3 * doses, accuracy, 0.95, 0.5)
    assert scaled.dose == pytest.approx(3 * found.dose)


def test_between_two_grades_it_is_interpolated():
    found = dose_at_half_loss([0.0, 1.0, 4.0], [0.9, 0.8, 0.5], 0.9, 0.5)
    assert found.dose == pytest.approx(1 + 3 * (0.8 - 0.7) / 0.3)


def test_a_network_that_never_falls_so_far_is_censored_at_the_top():
    found = dose_at_half_loss([0.0, 1.0, 4.0], [0.9, 0.9, 0.71], 0.9, 0.5)
    assert found == (4.0, True)
    just = dose_at_half_loss([0.0, 1.0, 4.0], [0.9, 0.9, 0.70], 0.9, 0.5)
    assert just == (pytest.approx(4.0), False)


@pytest.mark.parametrize("own", [0.5, 0.4, float("nan")])
def test_a_network_without_anything_to_lose_has_none(own):
    found = dose_at_half_loss([0.0, 1.0], [own, 0.3], own, 0.5)
    assert np.isnan(found.dose) and not found.censored


def test_the_order_of_grades_and_missing_ones_do_not_matter():
    doses = [0.0, 1.0, 2.0, 3.0, 4.0]
    accuracy = [0.95, 0.9, 0.6, 0.55, 0.5]
    found = dose_at_half_loss(doses, accuracy, 0.95, 0.5)
    order = [3, 0, 4, 2, 1]
    moved = dose_at_half_loss(
        [doses[i] for i in order], [accuracy[i] for i in order], 0.95, 0.5
    )
    assert moved == found
    lacking = dose_at_half_loss([*doses, 1.5], [*accuracy, np.nan], 0.95, 0.5)
    assert lacking == found


def test_a_dip_by_chance_does_not_count_as_the_fall():
    accuracy = [0.95, 0.72, 0.94, 0.93, 0.5]
    found = dose_at_half_loss([0.0, 1.0, 2.0, 3.0, 4.0], accuracy, 0.95, 0.5)
    assert 3 < found.dose < 4, "1 and 2 are pooled to 0.83, above the half of 0.725"


def test_falling_is_the_nearest_falling_curve():
    random = np.random.default_rng(7)
    for _ in range(20):
        values = random.normal(size=6)
        values[0] = values.max() + 1
        found = falling(values)
        assert (np.diff(found) <= 1e-12).all() and found[0] == values[0]
        # no falling curve nearby is nearer
        for _ in range(50):
            other = found + random.normal(scale=0.05, size=6)
            other[0] = values[0]
            other = np.minimum.accumulate(other)
            assert np.sum((found - values) ** 2) <= np.sum((other - values) ** 2)
    sinking = np.array([5.0, 4.0, 4.0, 1.0])
    np.testing.assert_array_equal(falling(sinking), sinking)


def test_doses_below_0_are_another_side():
    with pytest.raises(ValueError, match="0 or above"):
        dose_at_half_loss([-1.0, 0.0], [0.5, 0.9], 0.9, 0.5)
