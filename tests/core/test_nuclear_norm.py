"""The slope of the nuclear norm against the norm itself."""

import pytest
import torch

from popnet.core.nuclear_norm import nuclear_slope

F64 = torch.float64
P, N, RANK = 3, 9, 4


def norm(w_PNN):
    """By another road: the roots of the eigenvalues of W'W."""
    return torch.linalg.eigvalsh(w_PNN.mT @ w_PNN).clamp(min=0).sqrt().sum(1)


def test_it_is_the_slope_of_the_sum_of_singular_values(normal):
    w, ahead, step = normal(P, N, N), normal(P, N, N), 1e-6
    rise = (norm(w + step * ahead) - norm(w - step * ahead)) / (2 * step)
    expected = (nuclear_slope(w) * ahead).flatten(1).sum(1)
    torch.testing.assert_close(rise, expected, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("dtype", [F64, torch.float32])
def test_equal_singular_values_and_those_of_zero(dtype, normal):
    """Of A D B' with D = 2 in RANK places and 0 else it is A B' of those places."""
    a, b = (torch.linalg.qr(normal(P, N, N))[0] for _ in range(2))
    expected = a[..., :RANK] @ b[..., :RANK].mT
    got = nuclear_slope((2 * expected).to(dtype)).double()
    bound = 1e-12 if dtype == F64 else 2e-6
    torch.testing.assert_close(got, expected, rtol=0.0, atol=bound)
    nothing = torch.zeros(P, N, N, dtype=dtype)
    assert torch.equal(nuclear_slope(nothing), nothing)


def test_single_precision_is_double_within_rounding(normal):
    w = normal(P, N, N).float()
    # the direction of a singular value s is known to |W| u / s
    s = torch.linalg.svdvals(w.double())
    bound = 10 * 2.0**-24 * float((s[:, 0] / s[:, -1]).max()) * N
    apart = (nuclear_slope(w) - nuclear_slope(w.double())).abs().max()
    assert float(apart) < bound < 1e-2


def test_a_dead_network_is_dead_alone(normal):
    w = normal(P, N, N)
    ill = w.clone()
    ill[1, 2, 3], ill[1, 4, 4] = float("nan"), float("inf")
    got = nuclear_slope(ill)
    assert bool(got[1].isnan().all())
    assert torch.equal(got[[0, 2]], nuclear_slope(w)[[0, 2]])
