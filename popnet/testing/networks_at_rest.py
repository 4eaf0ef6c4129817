"""Made-up networks at rest, with few fixed points, and changes of them.

P networks (1), L inputs, I input channels, S states, N units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popnet.core.cell import Cell, Params
from popnet.dynamics.at_rest import AtRest
from popnet.dynamics.starts import Visited

LEVELS, STATES = 11, 20


def made_at_rest(random: np.random.Generator, units: int) -> AtRest:
    """A network that is bistable under weak inputs, of which it has eleven.

    W = g a a' / N and a little noise, a of entries -1 and 1: so x = c a with c = g tanh
    c, where no input goes in, which has three roots for g > 1.
    """
    a_N = random.choice([-1.0, 1.0], units)
    gain, strongest = random.uniform(1.3, 3.0), 0.5
    noise_NN = 0.1 * random.standard_normal((units, units)) / units**0.5
    w_NN = gain * np.outer(a_N, a_N) / units + noise_NN
    steady_PN = torch.ones(1, units, dtype=torch.float64)
    params = Params(
        torch.from_numpy(w_NN)[None], _tensor(a_N)[..., None], _tensor(a_N)[:, None],
        0 * steady_PN, 0.1 * steady_PN, steady_PN, 0 * steady_PN, None, None,
    )  # fmt: skip
    states = Visited(random.standard_normal((STATES, units)), float(units) ** 0.5)
    input_LI = np.linspace(-strongest, strongest, LEVELS)[:, None]
    return AtRest(params, Cell(0.01, "tanh", (), None), states, input_LI, False)


def _tensor(array_N: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(array_N)[None]


def reweighted(change: Callable[..., Any], *rests: AtRest) -> AtRest | None:
    """The first network with recurrent weights made of those of all by ``change``.

    None where the change gives none.
    """
    w_PNN = change(*(rest.params.w_PNN.numpy() for rest in rests))
    if w_PNN is None:
        return None
    params = rests[0].params._replace(w_PNN=torch.from_numpy(np.array(w_PNN)))
    return rests[0]._replace(params=params)


def renamed(rest: AtRest, labels: NDArray[np.int64]) -> AtRest:
    """The network with its units in another order."""
    label_N = torch.from_numpy(labels)
    p = rest.params
    assert p.wout_PON is not None
    params = p._replace(
        w_PNN=p.w_PNN[:, label_N][..., label_N],
        win_PNI=p.win_PNI[:, label_N],
        wout_PON=p.wout_PON[..., label_N],
        **{f: getattr(p, f)[:, label_N] for f in ("bias_PN", "tau_PN", "slope_PN")},
        threshold_PN=p.threshold_PN[:, label_N],
    )
    return _of(rest, params, rest.states.x_SN[:, labels])


def sign_flipped(rest: AtRest, sign_N: NDArray[np.floating]) -> AtRest:
    """The network with these units' states, and all ways to and from them, reversed."""
    sign = torch.from_numpy(sign_N.astype(np.float64))
    p = rest.params
    assert p.wout_PON is not None
    params = p._replace(
        w_PNN=sign[:, None] * p.w_PNN * sign,
        win_PNI=sign[:, None] * p.win_PNI,
        wout_PON=p.wout_PON * sign,
        bias_PN=p.bias_PN * sign,
        threshold_PN=p.threshold_PN * sign,
    )
    return _of(rest, params, rest.states.x_SN * sign_N)


def _of(rest: AtRest, params: Params, x_SN: NDArray[np.float64]) -> AtRest:
    return rest._replace(params=params, states=rest.states._replace(x_SN=x_SN))


def same_network(one: AtRest, other: AtRest) -> bool:
    """Both have the same recurrent weights, inputs and states."""
    pairs = zip(_arrays(one), _arrays(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def _arrays(rest: AtRest) -> tuple[NDArray[np.float64], ...]:
    return rest.params.w_PNN.numpy(), rest.input_LI, rest.states.x_SN
