"""Recursive least squares, sample after sample or in blocks, for P networks at once.

With P(0) = I / alpha, and for each sample r with e = w r - f before the update:

    k = P r / (1 + r' P r),   P <- P - k (P r)',   w_o <- w_o - e_o k'

Afterwards P = (alpha I + sum r r')^-1, and w minimises
sum (w r - f)^2 + alpha |w - w(0)|^2: ridge regression, exactly.  Sussillo & Abbott,
Neuron 2009;63:544, eqs. 4-6; Haykin, Adaptive Filter Theory.  N units, O outputs.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor


class Fit(NamedTuple):
    """What has been learned from the samples so far."""

    w_PON: Tensor
    p_PNN: Tensor
    """The inverse of the samples' correlation, alpha on its diagonal."""


def no_samples(
    alpha_P: Float[Tensor, " P"], units: int, dtype: torch.dtype
) -> Float[Tensor, "P N N"]:
    """P(0) = I / alpha."""
    one_NN = torch.eye(units, dtype=dtype, device=alpha_P.device)
    return one_NN / alpha_P.to(dtype)[:, None, None]


def after_sample(
    fit: Fit, r_PN: Float[Tensor, "P N"], error_PO: Float[Tensor, "P O"]
) -> Fit:
    """The fit with one more sample; ``error`` is e = w r - f before it.

    A sample of 0 changes nothing.  What is taken from P is q q' with
    q = P r / sqrt(1 + r' P r), so that P stays symmetric to the last bit.
    """
    pr_PN = torch.bmm(fit.p_PNN, r_PN[..., None])[..., 0]
    size_P1 = 1 + (r_PN * pr_PN).sum(1, keepdim=True)
    q_PN = pr_PN / size_P1.sqrt()
    return Fit(
        fit.w_PON - error_PO[..., None] * (pr_PN / size_P1)[:, None],
        fit.p_PNN - q_PN[..., None] * q_PN[:, None],
    )


def after_block(
    fit: Fit, r_PBN: Float[Tensor, "P B N"], error_PBO: Float[Tensor, "P B O"]
) -> Fit:
    """The fit with B more samples at once; all errors are those before the block.

    With R [B, N] of the samples and L L' = I + R P R': what is taken from P is Q' Q
    with Q = L^-1 R P, and from w it is e' K with K = L'^-1 Q.  The same as the samples
    one by one, each with its error after the ones before it.
    """
    rp_PBN = r_PBN @ fit.p_PNN
    one_BB = torch.eye(r_PBN.shape[1], dtype=r_PBN.dtype, device=r_PBN.device)
    # without its check, which would stop all networks because of one that diverged
    low_PBB = torch.linalg.cholesky_ex(one_BB + rp_PBN @ r_PBN.mT)[0]
    q_PBN = torch.linalg.solve_triangular(low_PBB, rp_PBN, upper=False)
    k_PBN = torch.linalg.solve_triangular(low_PBB.mT, q_PBN, upper=True)
    p_PNN = fit.p_PNN - q_PBN.mT @ q_PBN
    return Fit(fit.w_PON - error_PBO.mT @ k_PBN, (p_PNN + p_PNN.mT) / 2)
