"""Masks and Dale's law as projections onto the weights that are allowed."""

from __future__ import annotations

import torch

from popnet.core.cell import Params


def project(params: Params) -> Params:
    """The nearest allowed weights: absent ones 0, wrong signs 0 (Song et al. 2016)."""
    w = params.w_PNN
    if params.mask_PNN is not None:
        w = w * params.mask_PNN
    if params.sign_PN is not None:
        sign_P1N = params.sign_PN[:, None, :]
        w = torch.relu(w * sign_P1N) * sign_P1N
    return params._replace(w_PNN=w)
