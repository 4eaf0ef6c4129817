"""Runs P networks through T time steps; plain torch, the reference of every kernel.

P networks, B trials, T time steps, N units, I inputs, O outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from popnet.core.cell import Cell, Params, clamp, closed, rates, steady_state


class Pulses(NamedTuple):
    """Brief currents of the rate form: each lasts a part of its step, or several."""

    current_PBTN: Tensor
    duration: float
    """In steps."""


class Activity(NamedTuple):
    """States and rates after each step; index 0 is the initial state."""

    x_PBSN: Tensor
    """[P, B, T + 1, N], S = T + 1"""
    r_PBSN: Tensor


def drive(
    params: Params,
    input_PBTI: Float[Tensor, "P B T I"],
    current_PBTN: Float[Tensor, "P B T N"] | None,
) -> Float[Tensor, "P B T N"]:
    """What arrives from outside: W_in u + b + c, in units of x."""
    total = input_PBTI @ params.win_PNI.mT[:, None] + params.bias_PN[:, None, None]
    return total if current_PBTN is None else total + current_PBTN


def rollout(
    params: Params,
    cell: Cell,
    drive_PBTN: Float[Tensor, "P B T N"],
    x0_PBN: Float[Tensor, "P B N"],
) -> Activity:
    """x(t+1) = x(t) + (dt / tau) (-x(t) + W r(t) + drive(t)), by forward Euler.

    In the rate form phi is of W r(t) + drive(t), see ``core.cell``.  Feedback is in W,
    see ``core.cell.closed``.
    """
    params = closed(params)
    a_P1N = cell.dt_s / params.tau_PN[:, None]
    w_PNN = params.w_PNN.mT.contiguous()
    x = clamp(cell, x0_PBN.clone())
    r = rates(params, cell, x)
    xs, rs = [x], [r]
    # taken apart at once: autograd would fill a whole tensor for each step picked out
    for drive_PBN in drive_PBTN.unbind(2):
        total = drive_PBN + torch.bmm(r, w_PNN)
        x = x + a_P1N * (steady_state(params, cell, total) - x)
        x = clamp(cell, x)
        r = rates(params, cell, x)
        xs.append(x)
        rs.append(r)
    x_PBSN = torch.stack(xs, 2)
    return Activity(x_PBSN, x_PBSN if cell.form == "rate" else torch.stack(rs, 2))


def outputs(
    params: Params,
    cell: Cell,
    drive_PBTN: Float[Tensor, "P B T N"],
    x0_PBN: Float[Tensor, "P B N"],
    push_PBTN: Float[Tensor, "P B T N"] | None = None,
    pulses: Sequence[Pulses] = (),
) -> Float[Tensor, "P B T O"]:
    """The output of a rollout alone, without keeping states: for frozen networks.

    For the rate form: ``push`` makes x jump by (dt / tau) push(t), outside phi; of
    pulses p(t) of a duration D, phi(v + p) - phi(v) counts D times, because a current
    D times as large would saturate phi.
    """
    params = closed(params)
    a_P1N = cell.dt_s / params.tau_PN[:, None]
    for unit, _ in cell.clamped:
        a_P1N[..., unit] = 0  # it stays where it starts
    w_PNN = params.w_PNN.mT.contiguous()
    x = clamp(cell, x0_PBN.clone())
    r = rates(params, cell, x)
    out = []
    for t in range(drive_PBTN.shape[2]):
        total = torch.baddbmm(drive_PBTN[:, :, t], r, w_PNN)
        resting = steady_state(params, cell, total)
        towards = resting - x
        for pulse in pulses:
            during = steady_state(params, cell, total + pulse.current_PBTN[:, :, t])
            towards = towards + pulse.duration * (during - resting)
        if push_PBTN is not None:
            towards += push_PBTN[:, :, t]
        x = torch.addcmul(x, a_P1N, towards)
        r = rates(params, cell, x)
        out.append(readout(params, cell, r[:, :, None]).clone())
    return torch.cat(out, 2)


def readout(
    params: Params, cell: Cell, r_PBTN: Float[Tensor, "P B T N"]
) -> Float[Tensor, "P B T O"]:
    """The output: one unit's rate, or W_out r."""
    if cell.output_unit is not None:
        unit = cell.output_unit
        return r_PBTN[..., unit : unit + 1]
    assert params.wout_PON is not None
    return r_PBTN @ params.wout_PON.mT[:, None]
