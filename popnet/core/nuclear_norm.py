"""The nuclear norm of the recurrent weights: the sum of W's singular values.

Its penalty draws a network towards few directions: Huang et al., arXiv 2410.03972, use
it as one of two ways to make solutions more alike.  With W = U diag(s) V',

    d(sum_i s_i)/dW = U V'

over the singular values that are not 0.  Where some are 0 the norm has a corner, and
this is the smallest of its subgradients; W = 0 gets a slope of 0.  Equal singular
values make U and V ambiguous and U V' not.  Watson, Linear Algebra Appl 1992;170:33.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def nuclear_slope(w_PNN: Float[Tensor, "P N N"]) -> Float[Tensor, "P N N"]:
    """U V' of each network; NaN for a network that is not finite.

    As 0 counts what rounding leaves of it: N times the precision times the largest.
    """
    sound_P11 = w_PNN.isfinite().all(2, keepdim=True).all(1, keepdim=True)
    # the decomposition refuses such a network, and its neighbours with it
    u, s_PN, vt = torch.linalg.svd(torch.where(sound_P11, w_PNN, 0.0))
    least = s_PN.shape[1] * torch.finfo(s_PN.dtype).eps * s_PN[:, :1]
    slope = (u * (s_PN > least)[:, None]) @ vt
    return torch.where(sound_P11, slope, torch.nan)
