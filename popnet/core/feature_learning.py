"""Networks whose strength of feature learning is one number, gamma.

Huang, Singh, Martinelli & Rajan, arXiv 2410.03972 (maximal-update parametrisation for
Adam), with f the output and J, U, V what is trained:

    h(t+1) - h(t) = tau (-h(t) + (1/N) J phi(h(t)) + U x(t))
    f(t) = (1 / (gamma N)) V phi(h(t))
    J_ij ~ N(0, N),   Adam's learning rate eta = gamma eta_0

A larger gamma is richer learning.  With W = J / N, W_in = U, W_out = V / (gamma N) and
their tau = dt / tau this is the rate network with gain 1: ``weights: normal``, and
``input_law: normal``, ``readout: {law: normal}`` for U, V ~ N(0, 1), which is our
reading; theirs is not given.  What differs is the size in which each weight is trained:

    dL/dJ = (1/N) dL/dW,   dL/dV = (1 / (gamma N)) dL/dW_out

Clip, moments and epsilon are those of J, U and V, and a step of J by Adam is one of W
by 1/N of it.  Without clip and epsilon: rates gamma eta_0 / N for W, gamma eta_0 for
W_in, eta_0 / N for W_out.  Biases, which their network has not, are trained as U is.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from popnet.core.cell import Params
from popnet.core.optimisers import along


def sizes(
    gamma_P: Float[Tensor, " P"], units: int, leaves: list[str]
) -> list[Float[Tensor, " P"]]:
    """What each parameter is to be multiplied by to be the one that is trained."""
    size = {
        "w_PNN": gamma_P.new_full(gamma_P.shape, units),
        "wout_PON": gamma_P * units,
    }
    one_P = gamma_P.new_ones(gamma_P.shape)
    return [size.get(leaf, one_P) for leaf in leaves]


def with_small_readout(params: Params, gamma_P: Float[Tensor, " P"]) -> Params:
    """W_out = V / (gamma N) of a readout drawn as V / sqrt(N)."""
    wout_PON = params.wout_PON
    assert wout_PON is not None
    factor_P = 1 / (gamma_P * wout_PON.shape[2] ** 0.5)
    return params._replace(wout_PON=wout_PON * along(factor_P, wout_PON))
