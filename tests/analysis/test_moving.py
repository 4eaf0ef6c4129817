"""Cycles and tori that are known: the normal form of the Hopf bifurcation, turning."""

import numpy as np
import pytest

from popnet.analysis.lyapunov import lyapunov_exponents
from popnet.analysis.recurrence import main_frequency, motion, period_steps, rests
from popnet.analysis.shooting import shoot

TURN, MU = 0.1, 0.02


def turning(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def normal_form(angle):
    """x -> (1 + mu - mu |x|^2) R x: the circle of radius 1 attracts."""
    r = turning(angle)

    def step(x):
        return (1 + MU - MU * x @ x) * (r @ x)

    def tangent(x):
        return (1 + MU - MU * x @ x) * r - 2 * MU * np.outer(r @ x, x)

    return step, tangent


def beside(*maps):
    """Several maps of the plane as one."""

    def step(x):
        return np.concatenate([m[0](x[2 * i : 2 * i + 2]) for i, m in enumerate(maps)])

    def tangent(x):
        whole = np.zeros((len(x), len(x)))
        for i, m in enumerate(maps):
            at = slice(2 * i, 2 * i + 2)
            whole[at, at] = m[1](x[at])
        return whole

    return step, tangent


def run(step, x, steps):
    kept = [x]
    for _ in range(steps):
        kept.append(step(kept[-1]))
    return np.array(kept)


def test_the_cycle_of_the_normal_form():
    step, tangent = normal_form(TURN)
    x_TN = run(step, np.array([0.3, 0.0]), 900)[500:]
    period = 2 * np.pi / TURN
    assert not rests(x_TN, 1.0)
    assert period_steps(x_TN[::-1]) == pytest.approx(period, abs=0.05)
    assert main_frequency(x_TN) == pytest.approx(1 / period, abs=1 / len(x_TN))
    found = lyapunov_exponents(step, tangent, x_TN[-1], 2, 4000)
    np.testing.assert_allclose(found, [0, np.log(1 - 2 * MU)], atol=1e-3)
    assert motion(found, 1e-3) == "cycle"


def test_shooting_closes_the_cycle_and_gives_its_multipliers():
    step, tangent = normal_form(TURN)
    x_TN = run(step, np.array([0.3, 0.0]), 60)  # not quite there yet
    cycle = shoot(step, tangent, x_TN[-1], 60.0)
    assert cycle is not None and cycle.stable and cycle.gap < 1e-9
    assert cycle.period == pytest.approx(2 * np.pi / TURN, rel=1e-4)
    assert np.linalg.norm(cycle.x_N) == pytest.approx(1, abs=0.01)
    expected = [1, (1 - 2 * MU) ** cycle.period]
    np.testing.assert_allclose(cycle.multipliers_N, expected, rtol=5e-3)


def test_a_cycle_that_repels_is_closed_and_called_unstable():
    """The inverse of the normal form's time: mu < 0 and a circle that repels."""
    r = turning(TURN)

    def step(x):
        return (1 - MU + MU * x @ x) * (r @ x)

    def tangent(x):
        return (1 - MU + MU * x @ x) * r + 2 * MU * np.outer(r @ x, x)

    cycle = shoot(step, tangent, np.array([1.02, 0.0]), 62.0)
    assert cycle is not None and not cycle.stable
    assert np.abs(cycle.multipliers_N[0]) > 5


def test_two_incommensurable_turns_are_a_torus():
    step, tangent = beside(normal_form(TURN), normal_form(TURN * np.sqrt(2)))
    x_TN = run(step, np.array([0.3, 0.0, 0.0, 0.4]), 700)[600:]
    found = lyapunov_exponents(step, tangent, x_TN[-1], 3, 4000)
    np.testing.assert_allclose(found[:2], 0, atol=1e-3)
    assert motion(found, 2e-3) == "torus"


@pytest.mark.parametrize(
    ("exponents", "kind"),
    [
        ([-0.5, -1], "point"), ([0.001, -0.3, -1], "cycle"),
        ([0.002, -0.001, -1], "torus"), ([0.2, 0.0, -1], "chaos"),
        ([float("nan")], "unbounded"),
    ],
)  # fmt: skip
def test_kinds_of_motion(exponents, kind):
    assert motion(np.array(exponents)) == kind


def test_what_goes_straight_never_returns():
    x_TN = np.linspace(0, 1, 50)[:, None] * np.ones(3)
    assert period_steps(x_TN) is None
    assert rests(np.ones((9, 2)), 1.0) and np.isnan(main_frequency(np.ones((9, 2))))
