"""The rate network: parameters of P networks, and what they share.

    v(t)   = W r(t) + W_fb z(t) + W_in u(t) + b + c(t),    z = W_out r
    x(t+1) = x(t) + (dt / tau) (-x(t) + v(t)),    r = phi(slope (x - threshold))

or, in the rate form, where the state is the rate itself,

    x(t+1) = x(t) + (dt / tau) (-x(t) + phi(slope (v(t) - threshold))),    r = x

c(t) is any further current (impulses, noise).  The output z is fed back only where a
network has W_fb; while W_out is fixed such a network is one with W + W_fb W_out for W,
see ``closed``.  Clamped units keep their x.  With tau = dt this is the discrete network
x(t+1) = v(t).  Letters: P networks, B trials, T time steps, N units, I inputs, O
outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor


class Params(NamedTuple):
    """Parameters of P networks.  Weights are [post, pre]."""

    w_PNN: Tensor
    win_PNI: Tensor
    wout_PON: Tensor | None
    bias_PN: Tensor
    tau_PN: Tensor
    slope_PN: Tensor
    threshold_PN: Tensor
    mask_PNN: Tensor | None
    """1 where a recurrent weight may be; None when all may."""
    sign_PN: Tensor | None
    """Sign of each unit's outgoing weights under Dale's law; None without it."""
    wfb_PNO: Tensor | None = None
    """Weights by which the output is fed back; None when it is not.  Masks and Dale's
    law are about W alone."""


class Cell(NamedTuple):
    """What the networks of a population share."""

    dt_s: float
    nonlinearity: str
    clamped: tuple[tuple[int, float], ...]
    output_unit: int | None
    """The unit that is the output; None: a linear readout."""
    form: str = "current"
    """What the state x is: the filtered "current", or the filtered "rate" itself."""


def _softplus_slope(x: Tensor) -> Tensor:
    return torch.sigmoid(x)


NONLINEARITIES: dict[
    str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]
] = {
    "tanh": (torch.tanh, lambda x: 1 - torch.tanh(x) ** 2),
    "relu": (torch.relu, lambda x: (x > 0).to(x.dtype)),
    "one_plus_tanh": (lambda x: 1 + torch.tanh(x), lambda x: 1 - torch.tanh(x) ** 2),
    "rectified_tanh": (
        lambda x: torch.tanh(torch.relu(x)),
        lambda x: (1 - torch.tanh(x) ** 2) * (x > 0),
    ),
    "softplus": (torch.nn.functional.softplus, _softplus_slope),
}
"""phi and its derivative, by name."""


def rates(
    params: Params, cell: Cell, x_PBN: Float[Tensor, "P B N"]
) -> Float[Tensor, "P B N"]:
    """r = phi(slope (x - threshold)), no unit; in the rate form x itself."""
    return x_PBN if cell.form == "rate" else _transferred(params, cell, x_PBN)


def steady_state(
    params: Params, cell: Cell, v_PBN: Float[Tensor, "P B N"]
) -> Float[Tensor, "P B N"]:
    """The x of units whose total current stays at v; in the current form v itself."""
    return _transferred(params, cell, v_PBN) if cell.form == "rate" else v_PBN


def _transferred(params: Params, cell: Cell, v_PBN: Tensor) -> Tensor:
    """phi(slope (v - threshold))."""
    phi, _ = NONLINEARITIES[cell.nonlinearity]
    return phi(params.slope_PN[:, None] * (v_PBN - params.threshold_PN[:, None]))


def clamp(cell: Cell, x_PBN: Float[Tensor, "P B N"]) -> Float[Tensor, "P B N"]:
    """Put the clamped units back to their constant x, in place."""
    for unit, value in cell.clamped:
        x_PBN[..., unit] = value
    return x_PBN


def closed(params: Params) -> Params:
    """The same networks without feedback: W + W_fb W_out in the place of W.

    W_fb (W_out r) = (W_fb W_out) r, so with fixed weights these are one network.
    """
    if params.wfb_PNO is None:
        return params
    assert params.wout_PON is not None
    w_PNN = params.w_PNN + params.wfb_PNO @ params.wout_PON
    return params._replace(w_PNN=w_PNN, wfb_PNO=None)


Leaves = TypeVar("Leaves", bound=tuple[Any, ...])
"""A NamedTuple of P-first tensors, some of them possibly None."""


def pick(leaves: Leaves, which: Tensor) -> Leaves:
    """The part of a NamedTuple of P-first tensors that belongs to some networks."""
    return _remade(leaves, [_at(leaf, which) for leaf in leaves])


def _at(leaf: Tensor | None, which: Tensor) -> Tensor | None:
    return None if leaf is None else leaf[which.to(leaf.device)]


FILLED = {"mask_PNN": 1.0, "wfb_PNO": 0.0}
"""What a network without this leaf has beside networks with it: all weights may be,
and none of the output is fed back."""


def stack(parts: Sequence[Leaves]) -> Leaves:
    """Populations joined along P, ``FILLED`` where some lack a leaf."""
    first = parts[0]
    whole: Sequence[Any] = parts
    if isinstance(first, Params):
        whole = _alike(whole)
    names: tuple[str, ...] = getattr(first, "_fields", ())
    columns = zip(names, zip(*whole, strict=True), strict=True)
    return _remade(first, [_joined(name, column) for name, column in columns])


def _alike(parts: Sequence[Params]) -> Sequence[Params]:
    for name, value in FILLED.items():
        given = [leaf for part in parts if (leaf := getattr(part, name)) is not None]
        if given:
            parts = [_filled(part, name, given[0], value) for part in parts]
    return parts


def _filled(params: Any, name: str, like: Tensor, value: float) -> Any:
    if getattr(params, name) is not None:
        return params
    shape = (len(params.w_PNN), *like.shape[1:])
    return params._replace(**{name: like.new_full(shape, value)})


def _joined(name: str, column: Sequence[Tensor | None]) -> Tensor | None:
    given = [leaf for leaf in column if leaf is not None]
    if given and len(given) < len(column):
        raise ValueError(f"some of these networks have {name} and some have not")
    return torch.cat(given) if given else None


def moved(leaves: Leaves, device: torch.device) -> Leaves:
    """The same population on another device."""
    return _remade(leaves, [None if t is None else t.to(device) for t in leaves])


def _remade(like: Leaves, values: list[Tensor | None]) -> Leaves:
    make: Any = type(like)
    return make(*values)
