"""Rates and their slopes in the kernel against torch in float64."""

import numpy as np
import pytest
import torch

from popnet.core.cell import NONLINEARITIES
from popnet.kernels.rates import CODES, rates, slopes

GRID = np.concatenate(
    [np.linspace(-12, 12, 46_197), [0.0, -0.0, 8.0], np.logspace(-30, 4, 5_000),
     -np.logspace(-30, 4, 5_000)]
).astype(np.float32)  # fmt: skip


def of(name, z):
    """phi(z) in the kernel, one row."""
    r, one = np.empty_like(z), np.ones_like(z)
    rates(CODES[name], z, one, 0 * one, r)
    return r


def test_tanh_error_over_a_grid():
    exact = np.tanh(GRID.astype(np.float64))
    r = of("tanh", GRID)
    error = np.abs(r - exact)
    assert error.max() < 4e-7
    small = np.abs(GRID) < 0.1
    assert (error[small] <= 4e-7 * np.abs(exact[small])).all(), "relative near 0"
    assert np.abs(r).max() <= 1


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_rates_and_slopes_are_the_reference_over_a_grid(name):
    phi, derivative = NONLINEARITIES[name]
    z = torch.from_numpy(GRID).double()
    r = of(name, GRID)
    # the rational tanh; else a few roundings of the rate
    error = np.abs(r - phi(z).numpy())
    assert (error <= np.maximum(4e-7, 2e-7 * np.abs(r))).all()
    d = np.empty_like(GRID)
    slopes(CODES[name], r, d)
    # 1 - r^2 and 1 - e^-r: an error of r counts at most twice
    assert np.abs(d - derivative(z).numpy()).max() <= 1e-6


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_slope_and_threshold_belong_to_each_unit(name):
    random = np.random.default_rng(0)
    x, slope, threshold = random.uniform(0.5, 2, (3, 37)).astype(np.float32)
    r = np.empty_like(x)
    rates(CODES[name], x, slope, threshold, r)
    z = torch.from_numpy(slope * (x - threshold)).double()
    np.testing.assert_allclose(r, NONLINEARITIES[name][0](z), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", NONLINEARITIES)
def test_nan_stays_nan_and_infinity_finds_its_limit(name):
    z = np.array([0.5, np.nan, np.inf, -np.inf, -0.5] * 9, dtype=np.float32)
    r = of(name, z)
    assert (np.isnan(r) == np.isnan(z)).all()
    known = NONLINEARITIES[name][0](torch.tensor([np.inf, -np.inf])).numpy()
    np.testing.assert_allclose(r[2:4], known, rtol=0, atol=4e-7)
