"""Roots of f(x) for networks at constant input, from many starts: the plain reference.

Levenberg-Marquardt with the analytic Jacobian J, one problem for each network, input
and start, each with a damping of its own:

    (J'J + mu |f| I) d = -J'f,        x <- x + d  where q = |f|^2 / 2 falls

mu |f| goes to 0 with f, so that steps become Newton's and convergence quadratic, also
where J is singular (Fan & Yuan, Computing 2005;74:23).  mu is changed by the ratio of
what q fell to what the linear model promised.  A search ends at a root, at a local
minimum of q, which is none, or after ``MOST`` steps; a finished problem costs nothing
further.  q is reported whatever happened: that a search ended proves nothing.

``kernels.roots`` does the same, compiled.  P networks, L inputs, F starts, U free
units.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from popnet.core.autonomous import Autonomous, jacobian, velocity

MOST = 200
"""Steps of a search at most, tried ones included."""
EXACT = 1e-27
"""A search ends at this q: |f| near the rounding error of x of order one."""
ENOUGH, POOR, ACCEPTED = 0.75, 0.25, 1e-4
"""Ratios of fall to promise above which mu falls, below which it rises, above which a
step is taken."""
FALL, RISE, FIRST, LEAST = 0.1, 4.0, 1e-2, 1e-12
"""Factors of mu, its first and its least value."""
STALLED, PATIENCE = 1e-3, 8
"""So many steps in a row of which none lowers q by this share: a local minimum."""
STARTS_DRAWN = 20_000_000
"""Numbers in the Jacobians of the problems that are solved at once."""


class Roots(NamedTuple):
    """Where searches ended."""

    x_PLFU: Tensor
    residual_PLF: Tensor
    """q = |f(x)|^2 / 2."""
    steps_PLF: Tensor
    """Steps that each search took."""


class _Search(NamedTuple):
    """Problems under way, S of them, each a network at one input."""

    at: Autonomous
    x_SU: Tensor
    f_SU: Tensor
    q_S: Tensor
    mu_S: Tensor
    stalled_S: Tensor
    steps_S: Tensor


def solve(networks: Autonomous, start_PLFU: Float[Tensor, "P L F U"]) -> Roots:
    """Where each start leads.  Problems are taken in chunks that fit into memory."""
    shape = start_PLFU.shape
    problem = torch.arange(start_PLFU[..., 0].numel())
    at_once = max(STARTS_DRAWN // shape[-1] ** 2, 1)
    parts = [_solve(networks, start_PLFU, chunk) for chunk in problem.split(at_once)]
    x_SU, q_S, steps_S = (torch.cat(part) for part in zip(*parts, strict=True))
    return Roots(
        x_SU.reshape(shape), q_S.reshape(shape[:3]), steps_S.reshape(shape[:3])
    )


def _solve(
    networks: Autonomous, start_PLFU: Tensor, problem_S: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    shape = start_PLFU.shape
    condition_S = problem_S // shape[2]
    network_S = condition_S // shape[1]
    at = networks._replace(
        w_PUU=networks.w_PUU[network_S],
        drive_PLU=networks.drive_PLU.flatten(0, 1)[condition_S][:, None],
        slope_PU=networks.slope_PU[network_S],
        threshold_PU=networks.threshold_PU[network_S],
        step_PU=networks.step_PU[network_S],
    )
    x_SU = start_PLFU.reshape(-1, shape[-1])[problem_S].clone()
    f_SU = velocity(at, x_SU[:, None, None])[:, 0, 0]
    q_S, zero_S = f_SU.square().sum(1) / 2, torch.zeros(len(x_SU), dtype=torch.int64)
    search = _Search(at, x_SU, f_SU, q_S, torch.full_like(q_S, FIRST), zero_S, zero_S)
    ended = search.x_SU.clone(), search.q_S.clone(), search.steps_S.clone()
    running_S = torch.arange(len(x_SU))
    for _ in range(MOST):
        open_S = (search.q_S > EXACT) & (search.stalled_S < PATIENCE)
        if not open_S.any():
            break
        running_S, search = running_S[open_S], _some(search, open_S)
        search = _step(search)
        found = search.x_SU, search.q_S, search.steps_S
        for whole, part in zip(ended, found, strict=True):
            whole[running_S] = part
    return ended


def _some(search: _Search, open_S: Tensor) -> _Search:
    at = search.at
    some = at._replace(
        **{
            k: v[open_S]
            for k, v in at._asdict().items()
            if k.rpartition("_")[2][:1] == "P"
        }
    )
    return _Search(some, *(leaf[open_S] for leaf in search[1:]))


def _step(search: _Search) -> _Search:
    """One tried step of every problem."""
    at, x_SU, f_SU, q_S, mu_S, stalled_S, steps_S = search
    j_SUU = jacobian(at, x_SU[:, None, None])[:, 0, 0]
    g_SU = (j_SUU.mT @ f_SU[..., None])[..., 0]
    damping_S = mu_S * (2 * q_S).sqrt()
    one_UU = torch.eye(x_SU.shape[1], dtype=x_SU.dtype)
    damped_SUU = j_SUU.mT @ j_SUU + damping_S[:, None, None] * one_UU
    low_SUU, failed_S = torch.linalg.cholesky_ex(damped_SUU)
    d_SU = -torch.cholesky_solve(g_SU[..., None], low_SUU)[..., 0]
    new_SU = x_SU + d_SU
    new_f_SU = velocity(at, new_SU[:, None, None])[:, 0, 0]
    new_q_S = new_f_SU.square().sum(1) / 2
    promised_S = (d_SU * (damping_S[:, None] * d_SU - g_SU)).sum(1) / 2
    ratio_S = (q_S - new_q_S) / promised_S
    ok_S = (ratio_S > ACCEPTED) & (promised_S > 0) & (failed_S == 0)
    up_S = ~ok_S | (ratio_S < POOR)
    mu_S = torch.where(up_S, RISE * mu_S, mu_S)
    mu_S = torch.where(ok_S & (ratio_S > ENOUGH), FALL * mu_S, mu_S).clamp(min=LEAST)
    little_S = ~ok_S | (new_q_S > (1 - STALLED) * q_S)
    return _Search(
        at,
        torch.where(ok_S[:, None], new_SU, x_SU),
        torch.where(ok_S[:, None], new_f_SU, f_SU),
        torch.where(ok_S, new_q_S, q_S),
        mu_S,
        torch.where(little_S, stalled_S + 1, 0),
        steps_S + 1,
    )
