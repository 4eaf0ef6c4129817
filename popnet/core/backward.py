"""Back-propagation through time by hand: exact gradients of a rollout.

With a = dt / tau and g(t) = dL/dx(t), going back in time:
    q(t)   = a g(t+1)                          (0 at clamped units)
    g(t)   = (1 - a) g(t+1) + slope phi'(t) (W' q(t) + dL/dr(t))
    dL/dW  = sum_t q(t) r(t)',  dL/dW_in = sum_t q(t) u(t)',  dL/db = sum_t q(t)
    dL/dtau = -(1 / tau) sum_t g(t+1) (x(t+1) - x(t))
In the rate form, where r is x and v(t) is the total current, all but these is the same:
    q(t)   = a slope phi'(v(t)) g(t+1)
    g(t)   = (1 - a) g(t+1) + W' q(t) + dL/dr(t)
The currents are taken as given.  Recurrent noise depends on tau, sqrt(2 tau / dt) s xi;
that part of dL/dtau is not here, so rule bptt refuses to train time constants under it.
Werbos, Proc IEEE 1990;78:1550.  Checked against autograd and finite differences.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from popnet.core.cell import NONLINEARITIES, Cell, Params
from popnet.core.rollout import Activity


class Gradients(NamedTuple):
    """Gradients of each network's own loss, named as the parameters."""

    w_PNN: Tensor
    win_PNI: Tensor
    wout_PON: Tensor | None
    bias_PN: Tensor
    tau_PN: Tensor


def gradients(
    params: Params,
    cell: Cell,
    activity: Activity,
    input_PBTI: Float[Tensor, "P B T I"],
    error_PBTO: Float[Tensor, "P B T O"],
    penalty_PBTN: Float[Tensor, "P B T N"] | None = None,
    recurrent: bool = True,
    drive_PBTN: Float[Tensor, "P B T N"] | None = None,
) -> Gradients:
    """Gradients from ``error`` = dL/d output(t), t = 1 .. T.

    ``penalty``: what else adds to dL/dr(t) directly.  Not ``recurrent``: the rates
    that W passes on are taken as given, W' q(t) is left out; see ``rules.local``.
    ``drive``: what the rollout was driven by; the rate form alone needs it.
    """
    x, r = activity
    rate_form = cell.form == "rate"
    a_P1N = cell.dt_s / params.tau_PN[:, None]
    free_N = torch.ones_like(params.tau_PN[0])
    for unit, _ in cell.clamped:
        free_N[unit] = 0
    into_rates = _rates_error(params, cell, error_PBTO, r)
    if penalty_PBTN is not None:
        into_rates = into_rates + penalty_PBTN
    _, derivative = NONLINEARITIES[cell.nonlinearity]
    slope, threshold = params.slope_PN[:, None], params.threshold_PN[:, None]
    g = torch.zeros_like(x[:, :, 0])
    carried = torch.zeros_like(g)
    qs, gs = [], []
    for t in range(input_PBTI.shape[2] - 1, -1, -1):
        bent = _bent(params, cell, activity, drive_PBTN, t)
        phi_slope = slope * derivative(slope * (bent - threshold))
        g = into_rates[:, :, t] + g
        g = free_N * (carried + (g if rate_form else phi_slope * g))
        q = a_P1N * g * phi_slope if rate_form else a_P1N * g
        qs.append(q)
        gs.append(g)
        carried = (1 - a_P1N) * g
        g = torch.bmm(q, params.w_PNN) if recurrent else torch.zeros_like(q)
    q_PBTN = torch.stack(qs[::-1], 2)
    g_PBTN = torch.stack(gs[::-1], 2)
    moved = (g_PBTN * (x[:, :, 1:] - x[:, :, :-1])).sum((1, 2))
    q_PSN = q_PBTN.flatten(1, 2)
    return Gradients(
        q_PSN.mT @ r[:, :, :-1].flatten(1, 2),
        q_PSN.mT @ input_PBTI.flatten(1, 2),
        None
        if params.wout_PON is None
        else error_PBTO.flatten(1, 2).mT @ r[:, :, 1:].flatten(1, 2),
        q_PSN.sum(1),
        -moved / params.tau_PN,
    )


def _bent(
    params: Params, cell: Cell, activity: Activity, drive_PBTN: Tensor | None, t: int
) -> Tensor:
    """What phi is of in step t: x(t+1), or in the rate form the current v(t)."""
    if cell.form == "current":
        return activity.x_PBSN[:, :, t + 1]
    assert drive_PBTN is not None
    w_PNN = params.w_PNN.mT
    return torch.baddbmm(drive_PBTN[:, :, t], activity.r_PBSN[:, :, t], w_PNN)


def _rates_error(
    params: Params, cell: Cell, error_PBTO: Tensor, r_PBSN: Tensor
) -> Tensor:
    """dL/dr through the readout alone."""
    if params.wout_PON is not None:
        return error_PBTO @ params.wout_PON[:, None]
    assert cell.output_unit is not None
    into = torch.zeros_like(r_PBSN[:, :, 1:])
    into[..., cell.output_unit] = error_PBTO[..., 0]
    return into
