"""Networks at constant input: what their free units do, and its derivative.

    f(x) = -x + W phi(slope (x - threshold)) + c          current form
    f(x) = -x + phi(slope (W x + c - threshold))          rate form
    x(t+1) = x(t) + (dt / tau) f(x(t)),                   c = W_in u + b

Fed-back output is in W (``core.cell.closed``).  Clamped units are constants: what they
send is in c, and they are none of the unknowns.  Fixed points, f(x) = 0, depend neither
on tau nor on dt; their stability does.  Sussillo & Barak, Neural Comput 2013;25:626.

P networks, L inputs, F points, N units, U free units, I inputs.  All in float64, no
unit but that of x.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from popnet.core.cell import NONLINEARITIES, Cell, Params, closed, rates


class Autonomous(NamedTuple):
    """P networks at L constant inputs each, reduced to their free units."""

    w_PUU: Tensor
    drive_PLU: Tensor
    """c: what arrives from the input, the bias and the clamped units."""
    slope_PU: Tensor
    threshold_PU: Tensor
    step_PU: Tensor
    """dt / tau of each unit."""
    free_U: Tensor
    """The places of the free units among all N."""
    clamped_N: Tensor
    """The x of clamped units, 0 at the free ones."""
    nonlinearity: str
    form: str


def autonomous(
    params: Params, cell: Cell, input_PLI: Float[Tensor, "P L I"]
) -> Autonomous:
    """These networks at constant inputs u, in float64."""
    made = closed(params)
    doubled = (None if leaf is None else leaf.cpu().double() for leaf in made)
    params = Params(*doubled)  # type: ignore[arg-type]
    units = params.tau_PN.shape[1]
    clamped_N = torch.zeros(units, dtype=torch.float64)
    is_free_N = torch.ones(units, dtype=torch.bool)
    for unit, value in cell.clamped:
        clamped_N[unit], is_free_N[unit] = value, False
    held_PN = clamped_N.expand(len(params.tau_PN), -1)
    sent_PN = rates(params, cell, held_PN[:, None])[:, 0] * ~is_free_N
    from_clamped_PN = (params.w_PNN @ sent_PN[..., None])[..., 0]
    drive_PLN = input_PLI.double() @ params.win_PNI.mT
    drive_PLN = drive_PLN + (params.bias_PN + from_clamped_PN)[:, None]
    free_U = is_free_N.nonzero()[:, 0]
    return Autonomous(
        params.w_PNN[:, free_U][..., free_U].contiguous(),
        drive_PLN[..., free_U].contiguous(),
        params.slope_PN[:, free_U].contiguous(),
        params.threshold_PN[:, free_U].contiguous(),
        (cell.dt_s / params.tau_PN)[:, free_U].contiguous(),
        free_U,
        clamped_N,
        cell.nonlinearity,
        cell.form,
    )


def only(networks: Autonomous, network: int, level: int) -> Autonomous:
    """One of these networks at one of its inputs, P = L = 1."""
    one, at = slice(network, network + 1), slice(level, level + 1)
    return networks._replace(
        w_PUU=networks.w_PUU[one],
        drive_PLU=networks.drive_PLU[one, at],
        slope_PU=networks.slope_PU[one],
        threshold_PU=networks.threshold_PU[one],
        step_PU=networks.step_PU[one],
    )


def velocity(
    networks: Autonomous, x_PLFU: Float[Tensor, "P L F U"]
) -> Float[Tensor, "P L F U"]:
    """f(x) = tau dx/dt."""
    phi, _ = NONLINEARITIES[networks.nonlinearity]
    w_P1UU, drive_PL1U = networks.w_PUU.mT[:, None], networks.drive_PLU[:, :, None]
    if networks.form == "rate":
        return -x_PLFU + phi(_scaled(networks, x_PLFU @ w_P1UU + drive_PL1U))
    return -x_PLFU + phi(_scaled(networks, x_PLFU)) @ w_P1UU + drive_PL1U


def jacobian(
    networks: Autonomous, x_PLFU: Float[Tensor, "P L F U"]
) -> Float[Tensor, "P L F U U"]:
    """df/dx = -I + W diag(slope phi'), in the rate form -I + diag(slope phi') W."""
    _, derivative = NONLINEARITIES[networks.nonlinearity]
    w_P11UU = networks.w_PUU[:, None, None]
    inner_PLFU = x_PLFU
    if networks.form == "rate":
        arriving_PLFU = x_PLFU @ networks.w_PUU.mT[:, None]
        inner_PLFU = arriving_PLFU + networks.drive_PLU[:, :, None]
    gain_PLFU = derivative(_scaled(networks, inner_PLFU))
    gain_PLFU = gain_PLFU * networks.slope_PU[:, None, None]
    wide = gain_PLFU[..., None] if networks.form == "rate" else gain_PLFU[..., None, :]
    one_UU = torch.eye(x_PLFU.shape[-1], dtype=x_PLFU.dtype)
    return w_P11UU * wide - one_UU


def advanced(
    networks: Autonomous, x_PLFU: Float[Tensor, "P L F U"]
) -> Float[Tensor, "P L F U"]:
    """One time step: x + (dt / tau) f(x)."""
    return x_PLFU + networks.step_PU[:, None, None] * velocity(networks, x_PLFU)


def tangent_map(
    networks: Autonomous, x_PLFU: Float[Tensor, "P L F U"]
) -> Float[Tensor, "P L F U U"]:
    """The derivative of one time step, I + (dt / tau) df/dx."""
    step_P11U1 = networks.step_PU[:, None, None, :, None]
    one_UU = torch.eye(x_PLFU.shape[-1], dtype=x_PLFU.dtype)
    return one_UU + step_P11U1 * jacobian(networks, x_PLFU)


def whole(networks: Autonomous, x_FU: Float[Tensor, "*F U"]) -> Float[Tensor, "*F N"]:
    """All N units, with the clamped ones at their places."""
    x_FN = networks.clamped_N.expand(*x_FU.shape[:-1], -1).clone()
    x_FN[..., networks.free_U] = x_FU
    return x_FN


def _scaled(networks: Autonomous, v_PLFU: Tensor) -> Tensor:
    """slope (v - threshold)."""
    threshold_P11U = networks.threshold_PU[:, None, None]
    return networks.slope_PU[:, None, None] * (v_PLFU - threshold_P11U)
