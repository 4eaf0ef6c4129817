"""Lyapunov exponents of linear maps, of known chaos, and of random networks."""

import numpy as np
import pytest

from popnet.analysis.lyapunov import kaplan_yorke_dimension, lyapunov_exponents


def test_a_linear_map_has_the_logarithms_of_its_moduli():
    turn = 0.8 * np.array([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]])
    a_NN = np.zeros((5, 5))
    a_NN[:2, :2], a_NN[2:, 2:] = turn, np.diag([0.95, 0.5, -0.2])
    a_NN[:2, 2:] = 0.7
    found = lyapunov_exponents(
        lambda x: a_NN @ x, lambda _: a_NN, np.ones(5), 5, 20_000
    )
    expected = np.log([0.95, 0.8, 0.8, 0.5, 0.2])
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_the_henon_map():
    """0.41922 and -1.62319 (Sprott, Chaos and Time-Series Analysis, 2003)."""

    def step(x):
        return np.array([1 - 1.4 * x[0] ** 2 + x[1], 0.3 * x[0]])

    def tangent(x):
        return np.array([[-2.8 * x[0], 1.0], [0.3, 0.0]])

    found = lyapunov_exponents(step, tangent, np.array([0.1, 0.1]), 2, 20_000)
    np.testing.assert_allclose(found, [0.41922, -1.62319], rtol=0.02)
    # their sum is the logarithm of the constant determinant
    assert found.sum() == pytest.approx(np.log(0.3), abs=1e-9)
    assert kaplan_yorke_dimension(found) == pytest.approx(1.2583, rel=0.01)


def test_directions_that_a_step_ends_do_not_spoil_the_others():
    """One direction shrinks by 1e-4 a step: vectors collapse within four steps."""
    a_NN = np.array([[0.9, 5.0, 1.0], [0, 1e-4, 2.0], [0, 0, 0.5]])
    found = lyapunov_exponents(lambda x: a_NN @ x, lambda _: a_NN, np.ones(3), 3, 4000)
    np.testing.assert_allclose(found, np.log([0.9, 0.5, 1e-4]), atol=1e-3)


def test_what_leaves_all_bounds_has_none():
    found = lyapunov_exponents(
        lambda x: 10 * x, lambda _: 10 * np.eye(2), np.ones(2), 2, 4000
    )
    assert np.isnan(found).all()


@pytest.mark.parametrize(
    ("exponents", "dimension"),
    [
        ([-0.1, -2], 0.0),
        ([0.0, -1.0], 1.0),
        ([0.0, 0.0, -1.0], 2.0),
        ([0.9056, 0.0, -14.5723], 2.062),  # Lorenz 1963
        ([0.3, 0.1], float("nan")),
        ([float("nan"), -1.0], float("nan")),
    ],
)
def test_kaplan_yorke_by_hand(exponents, dimension):
    found = kaplan_yorke_dimension(np.array(exponents))
    assert found == pytest.approx(dimension, abs=1e-3, nan_ok=True)


@pytest.mark.parametrize(("gain", "sign"), [(0.5, -1), (0.8, -1), (2.5, 1)])
def test_random_networks_turn_chaotic_beyond_gain_1(gain, sign):
    """Sompolinsky, Crisanti & Sommers 1988: silence below g = 1, chaos above.

    At rest l_1 = log |1 + a (-1 + g)| for the circle of eigenvalues of radius g.
    """
    units, a = 120, 0.2
    random = np.random.default_rng(4)
    w_NN = gain / np.sqrt(units) * random.standard_normal((units, units))

    def step(x):
        return x + a * (-x + w_NN @ np.tanh(x))

    def tangent(x):
        return (1 - a) * np.eye(units) + a * w_NN * (1 - np.tanh(x) ** 2)

    x = random.standard_normal(units)
    for _ in range(300):
        x = step(x)
    (largest,) = lyapunov_exponents(step, tangent, x, 1, 800)
    assert np.sign(largest) == sign
    if sign < 0:
        radius = np.abs(np.linalg.eigvals(tangent(np.zeros(units)))).max()
        assert largest == pytest.approx(np.log(radius), abs=0.02)
