"""Cycles and tori planted in networks of tanh units, found and named."""

import numpy as np
import pytest

from popnet.dynamics.attractors import attractors, spectrum_hz

NOTHING = [[0.0]]


def rotor(gain, turn):
    """Two units: at x = 0 the flow has gain - 1 +- i turn, beyond it saturates."""
    return np.array([[gain, -turn], [turn, gain]])


def test_a_cycle_is_found_named_and_closed(plant, states_around):
    params, cell = plant(rotor(1.6, 0.8))
    (found,) = attractors(params, cell, states_around(2), NOTHING)
    (one,) = found
    assert one.motion == "cycle" and one.starts == 8
    assert one.cycle is not None and one.cycle.stable
    period_s = one.cycle.period * cell.dt_s
    assert one.frequency_hz == pytest.approx(1 / period_s, rel=0.2)
    # the multiplier across the cycle is its exponent over one period
    across = np.log(np.abs(one.cycle.multipliers_N[1])) / period_s
    assert one.exponents_C[1] == pytest.approx(across, rel=0.02)


def test_two_rotors_that_do_not_know_of_each_other_are_a_torus(plant, states_around):
    w_NN = np.zeros((4, 4))
    w_NN[:2, :2], w_NN[2:, 2:] = rotor(1.6, 0.8), rotor(1.7, 1.37)
    (found,) = attractors(*plant(w_NN), states_around(4), NOTHING, count=2)
    assert {one.motion for one in found} == {"torus"}
    assert all(one.cycle is None for one in found)


def test_points_are_points_and_each_is_counted(plant, states_around):
    (found,) = attractors(*plant(np.diag([1.5, 0.5])), states_around(2), NOTHING)
    assert [one.motion for one in found] == ["point", "point"]
    assert sum(one.starts for one in found) == 8
    signs = {np.sign(one.x_U[0]) for one in found}
    assert signs == {-1.0, 1.0}


def test_the_spectrum_at_rest_is_that_of_the_eigenvalues(plant, states_around):
    params, cell = plant(np.diag([0.5, -1.0, 0.1]))
    found = spectrum_hz(params, cell, states_around(3), np.zeros(1), 3)
    # 1 + (dt / tau)(-1 + w) at x = 0
    expected = np.log(1 + 0.1 * (-1 + np.array([0.5, 0.1, -1.0]))) / 0.01
    np.testing.assert_allclose(found, expected, rtol=1e-6)
