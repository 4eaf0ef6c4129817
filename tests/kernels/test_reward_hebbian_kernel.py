"""The compiled kernel against the float64 reference, and what it may not do."""

import numpy as np
import pytest
import torch

from popnet.core.cell import Cell, Params, pick
from popnet.kernels import fast, reproducible
from popnet.kernels.reward_hebbian import CODES, trace_factors
from popnet.rules.reward_hebbian import trace_factors as reference

GAIN = {"tanh": 1.5, "relu": 0.7, "one_plus_tanh": 1, "rectified_tanh": 1.5,
        "softplus": 0.7}  # fmt: skip
ROUNDING = 5e-6
"""Largest deviation of 200 steps in float32, relative to the largest value: 42 units
in the last place, of which the rational tanh may take 3 a step; measured: 8e-7."""


def trial(networks=4, units=43, steps=200, name="tanh", seed=0):
    """Arguments of one trial, in float32; units no multiple of the kernel's block."""
    g = torch.Generator().manual_seed(seed)
    p, n = networks, units

    def normal(*shape):
        return torch.randn(*shape, generator=g)

    def uniform(low, high, *shape):
        return low + (high - low) * torch.rand(*shape, generator=g)

    params = Params(
        GAIN[name] / n**0.5 * normal(p, n, n), normal(p, n, 1), None, torch.zeros(p, n),
        uniform(0.003, 0.06, p, n), uniform(0.7, 1.3, p, n), 0.2 * normal(p, n),
        None, None,
    )  # fmt: skip
    cell = Cell(0.001, name, ((1, 1.0), (5, -1.0)), 0)
    decay = torch.tensor([0.0, 0.05, 0.5, 0.9, 0.2])[:p]
    drive, x0, xbar = 0.3 * normal(p, steps, n), 0.1 * normal(p, n), 0.1 * normal(p, n)
    return params, cell, drive, x0, xbar, decay


def in_double(part):
    if isinstance(part, Params):
        return Params(*(None if t is None else t.double() for t in part))
    return part.double() if isinstance(part, torch.Tensor) else part


@pytest.mark.parametrize("trace", ["cube", "signed_square"])
@pytest.mark.parametrize("name", CODES)
def test_kernel_is_the_reference_within_rounding(name, trace):
    given = trial(name=name)
    got = trace_factors(*given, 3, trace)
    expected = reference(*(in_double(part) for part in given), 3, trace)
    for field, a, b in zip(got._fields, got, expected, strict=True):
        bound = ROUNDING * float(b.abs().max())
        torch.testing.assert_close(
            a.double(), b, rtol=0.0, atol=bound, msg=f"{name} {field}"
        )


@pytest.mark.parametrize("units", [1, 7, 8, 9, 16])
def test_any_number_of_units(units):
    params, cell, *rest = trial(units=units, steps=20)
    given = (params, cell._replace(clamped=()), *rest)
    got = trace_factors(*given, 3, "cube")
    expected = reference(*(in_double(part) for part in given), 3, "cube")
    torch.testing.assert_close(got.r_PTN.double(), expected.r_PTN, rtol=0.0, atol=2e-6)


def test_tanh_error_over_a_grid():
    # with tau = dt and no weights, the rate after one step is phi(drive)
    p, n = 400, 128
    grid = np.concatenate(
        [np.linspace(-12, 12, 46_197), [0.0, -0.0, 8.0], np.logspace(-30, 4, 5_000)]
    ).astype(np.float32)
    one, zero = torch.ones(p, n), torch.zeros(p, n)
    params = Params(
        torch.zeros(p, n, n), zero[..., None], None, zero, 0.001 * one, one, zero,
        None, None,
    )  # fmt: skip
    drive, cell = torch.from_numpy(grid).reshape(p, 1, n), Cell(0.001, "tanh", (), 0)
    r = trace_factors(params, cell, drive, zero, zero, torch.zeros(p), 0, "cube").r_PTN
    exact = np.tanh(grid.astype(np.float64))
    error = np.abs(r.numpy().ravel() - exact)
    assert error.max() < 4e-7
    small = np.abs(grid) < 0.1
    assert (error[small] <= 4e-7 * np.abs(exact[small])).all(), "relative near 0"
    assert float(r.abs().max()) <= 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_network_that_diverges_looks_diverged_and_disturbs_nobody(value):
    given = trial(networks=3, units=20, steps=30)
    clean = trace_factors(*given, 3, "cube")
    params, cell, drive, *rest = given
    drive = drive.clone()
    drive[1, 10, 4] = value
    broken = trace_factors(params, cell, drive, *rest, 3, "cube")
    for field, a, b in zip(clean._fields, broken, clean, strict=True):
        assert torch.equal(a[[0, 2]], b[[0, 2]]), field
    assert bool(broken.post_PTN[1].isnan().any())
    assert torch.equal(broken.r_PTN[1, :10], clean.r_PTN[1, :10]), "the past"


def test_nan_weights_spread_over_their_own_network():
    params, *rest = trial(networks=2, units=20, steps=30)
    w = params.w_PNN.clone()
    w[0, 3, 7] = float("nan")
    got = trace_factors(params._replace(w_PNN=w), *rest, 3, "cube")
    assert bool(got.r_PTN[0, -1].isnan().any())
    assert bool(got.r_PTN[1].isfinite().all())


def test_alone_is_in_a_crowd_bit_for_bit():
    params, cell, drive, x0, xbar, decay = trial(networks=5, units=37, steps=60)
    crowd = trace_factors(params, cell, drive, x0, xbar, decay, 3, "cube")
    for which in ([2], [4, 1], [3, 0, 2, 1, 4]):
        i = torch.tensor(which)
        part = trace_factors(
            pick(params, i), cell, drive[i], x0[i], xbar[i], decay[i], 3, "cube"
        )
        for field, a, b in zip(crowd._fields, part, crowd, strict=True):
            assert torch.equal(a, b[i]), field


def test_arguments_are_left_as_they_were():
    given = trial(networks=2, units=20, steps=30)
    kept = [t.clone() for t in given[2:]]
    weights = given[0].w_PNN.clone()
    trace_factors(*given, 3, "cube")
    assert all(torch.equal(a, b) for a, b in zip(given[2:], kept, strict=True))
    assert torch.equal(given[0].w_PNN, weights)


def test_the_kernel_serves_float32_on_the_cpu_alone():
    assert fast(torch.zeros(1))
    assert not fast(torch.zeros(1, dtype=torch.float64))
    assert not fast(torch.zeros(1, device="meta"))


def test_reproducible_puts_the_machine_s_settings_back():
    before = torch.get_num_threads()
    tiny = torch.tensor([1e-39])
    torch.set_num_threads(2)
    torch.set_flush_denormal(False)
    try:
        with pytest.raises(KeyError), reproducible():
            assert torch.get_num_threads() == 1
            assert float(tiny * 0.5) == 0
            raise KeyError
        assert torch.get_num_threads() == 2
        assert float(tiny * 0.5) > 0
    finally:
        torch.set_num_threads(before)
