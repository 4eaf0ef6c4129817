"""Lyapunov spectra against a published package, and of a system much studied."""

import numpy as np
import pytest

from popnet.analysis.lyapunov import kaplan_yorke_dimension, lyapunov_exponents

NEEDED = "compares with the package clvlib (pip install clvlib; in the dev extra)"
DT, TAU = 0.02, 0.1


def network(seed, units=16):
    """A random network, dx/dt = (-x + W tanh x + b) / tau, and its derivative."""
    random = np.random.default_rng(seed)
    w_NN = 2.5 / np.sqrt(units) * random.standard_normal((units, units))
    b_N = 0.2 * random.standard_normal(units)

    def flow(_, x):
        return (-x + w_NN @ np.tanh(x) + b_N) / TAU

    def derivative(_, x):
        return (-np.eye(units) + w_NN * (1 - np.tanh(x) ** 2)) / TAU

    x = random.standard_normal(units)
    for _ in range(2000):
        x = x + DT * flow(0, x)
    return flow, derivative, x


@pytest.mark.parametrize("seed", range(5))
def test_the_spectrum_of_a_network_is_that_of_clvlib(seed):
    """Both from one state on; what is left apart is where each starts to count."""
    clvlib = pytest.importorskip("clvlib", reason=NEEDED)
    flow, derivative, x = network(seed)
    steps = 8000
    theirs, *_ = clvlib.lyap_exp_from_ic(
        flow, derivative, x, DT * np.arange(steps + 1), stepper="euler"
    )
    ours = lyapunov_exponents(
        lambda x: x + DT * flow(0, x),
        lambda x: np.eye(len(x)) + DT * derivative(0, x),
        x, len(x), steps,
    )  # fmt: skip
    theirs = -np.sort(-theirs)
    np.testing.assert_allclose(ours / DT, theirs, atol=0.01 * np.abs(theirs).max())
    assert ours.sum() / DT == pytest.approx(theirs.sum(), rel=2e-3)


@pytest.mark.slow
def test_lorenz_96():
    """N = 40, F = 8: errors double in 2.1 days of 0.2, 13 exponents are above zero, and
    the dimension is 27.1.

    Lorenz & Emanuel, J Atmos Sci 1998;55:399; the dimension: Lorenz, J Atmos Sci
    2005;62:1574.  The sum is -40, the trace of the derivative.  Steps of 0.05 by Runge
    and Kutta, as theirs.  The time to double is published with two digits, and varies
    by 2 % between runs of 500: it is held to 5 %, over 2,000.
    """
    units, force, dt = 40, 8.0, 0.05
    one, two, back = (np.roll(np.eye(units), k, axis=0) for k in (1, 2, -1))

    def flow(x):
        return (back @ x - two @ x) * (one @ x) - x + force

    def derivative(x):
        ahead = (one @ x)[:, None] * (back - two)
        return ahead + (back @ x - two @ x)[:, None] * one - np.eye(units)

    def stages(x):
        k1 = flow(x)
        k2 = flow(x + dt / 2 * k1)
        k3 = flow(x + dt / 2 * k2)
        return k1, k2, k3, flow(x + dt * k3)

    def step(x):
        k1, k2, k3, k4 = stages(x)
        return x + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    def tangent(x):
        k1, k2, k3, _ = stages(x)
        y1 = derivative(x)
        y2 = derivative(x + dt / 2 * k1) @ (np.eye(units) + dt / 2 * y1)
        y3 = derivative(x + dt / 2 * k2) @ (np.eye(units) + dt / 2 * y2)
        y4 = derivative(x + dt * k3) @ (np.eye(units) + dt * y3)
        return np.eye(units) + dt / 6 * (y1 + 2 * y2 + 2 * y3 + y4)

    x = force + np.random.default_rng(0).standard_normal(units)
    for _ in range(1000):
        x = step(x)
    found = lyapunov_exponents(step, tangent, x, units, 40_000) / dt
    assert np.log(2) / found[0] / 0.2 == pytest.approx(2.1, rel=0.05)
    assert (found > 0.01).sum() == 13
    assert found.sum() == pytest.approx(-units, rel=2e-3)
    assert kaplan_yorke_dimension(found) == pytest.approx(27.1, rel=0.02)
