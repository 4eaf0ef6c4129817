"""Recursive least squares against its closed forms."""

import math

import pytest
import torch

from popnet.core.least_squares import Fit, after_block, after_sample, no_samples

F64 = torch.float64
P, S, N, O = 3, 40, 8, 2  # noqa: E741
ALPHA = torch.tensor([0.5, 3.0, 40.0], dtype=F64)


@pytest.fixture
def world(normal):
    """Readouts to begin with, samples and targets."""
    return normal(P, O, N), normal(P, S, N), normal(P, S, O)


def learned(w, r_PSN, f_PSO):
    fit = Fit(w, no_samples(ALPHA, N, F64))
    for r, f in zip(r_PSN.unbind(1), f_PSO.unbind(1), strict=True):
        fit = after_sample(fit, r, torch.einsum("pon,pn->po", fit.w_PON, r) - f)
    return fit


def test_after_all_samples_it_is_ridge_regression(world):
    w, r, f = world
    fit = learned(w, r, f)
    correlation = r.mT @ r + ALPHA[:, None, None] * torch.eye(N, dtype=F64)
    ridge = w + torch.linalg.solve(correlation, r.mT @ (f - r @ w.mT)).mT
    torch.testing.assert_close(fit.w_PON, ridge, rtol=1e-9, atol=1e-9)
    inverse = torch.linalg.inv(correlation)
    torch.testing.assert_close(fit.p_PNN, inverse, rtol=1e-9, atol=1e-9)
    assert torch.equal(fit.p_PNN, fit.p_PNN.mT), "symmetric to the last bit"


def test_a_block_at_once_is_its_samples_one_by_one(world):
    w, r, f = world
    blocks = Fit(w, no_samples(ALPHA, N, F64))
    for some in (slice(0, 7), slice(7, 25), slice(25, S)):  # fewer and more than N
        error = r[:, some] @ blocks.w_PON.mT - f[:, some]
        blocks = after_block(blocks, r[:, some], error)
    fit = learned(w, r, f)
    torch.testing.assert_close(blocks.w_PON, fit.w_PON, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(blocks.p_PNN, fit.p_PNN, rtol=1e-9, atol=1e-9)
    assert torch.equal(blocks.p_PNN, blocks.p_PNN.mT), "symmetric to the last bit"


def test_a_block_with_a_nan_leaves_the_other_networks(world):
    w, r, f = world
    ill = r.clone()
    ill[1, 3, 2] = float("nan")
    well, sick = (
        after_block(Fit(w, no_samples(ALPHA, N, F64)), s, s @ w.mT - f)
        for s in (r, ill)
    )
    assert bool(sick.w_PON[1].isnan().any())
    for a, b in zip(well, sick, strict=True):
        assert torch.equal(a[[0, 2]], b[[0, 2]])


def test_what_is_left_of_an_error_and_what_a_sample_of_zero_does(world):
    w, r, _ = world
    fit, error = Fit(w, no_samples(ALPHA, N, F64)), (w @ r[:, 0, :, None])[..., 0]
    once = after_sample(fit, r[:, 0], error)
    left = (once.w_PON @ r[:, 0, :, None])[..., 0]
    # e after = e (1 - r' P r) with the new P: their eq. 8
    rpr = torch.einsum("pi,pij,pj->p", r[:, 0], once.p_PNN, r[:, 0])
    torch.testing.assert_close(left, error * (1 - rpr[:, None]), rtol=1e-10, atol=1e-12)
    same = after_sample(once, torch.zeros_like(r[:, 0]), error)
    assert torch.equal(same.w_PON, once.w_PON) and torch.equal(same.p_PNN, once.p_PNN)


@pytest.mark.parametrize(("dtype", "sound"), [(F64, True), (torch.float32, False)])
def test_in_float32_p_ceases_to_fall(dtype, sound):
    """Slow rates in few directions: in those 1/P grows by r r' with every sample."""
    generator = torch.Generator().manual_seed(0)
    samples, alpha = 8000, 0.001
    t = torch.arange(samples, dtype=F64)[:, None]
    waves = torch.sin(t * torch.tensor([0.0110, 0.0270, 0.0431], dtype=F64))
    mixed = torch.randn(3, 12, generator=generator, dtype=F64)
    r_SN = torch.tanh(0.1 * waves @ mixed)
    p = no_samples(torch.tensor([alpha]), 12, dtype)
    fit, none = Fit(torch.zeros(1, 1, 12, dtype=dtype), p), torch.zeros(1, 1).to(dtype)
    for r_N in r_SN.to(dtype):
        fit = after_sample(fit, r_N[None], none)
    eigenvalues = torch.linalg.eigvalsh(r_SN.mT @ r_SN) + alpha
    expected = float(1 / eigenvalues.max())
    least = float(torch.linalg.eigvalsh(fit.p_PNN[0].double()).min())
    assert math.isclose(least, expected, rel_tol=1e-6) is sound
    assert sound or least > 1.2 * expected
