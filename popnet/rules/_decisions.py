"""Decisions drawn from outputs, and the slopes of their log probability and entropy.

P networks, B trials, T steps, O outputs, W windows, unbroken runs of steps at which a
decision is asked for.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from popnet.core.optimisers import along
from popnet.rules._rule import Episode


class Decided(NamedTuple):
    """What was drawn from the outputs z of some trials."""

    answer_PBTO: Tensor
    """The output that says the decisions drawn, of the size asked for."""
    score_PBTO: Tensor
    """The score function, d log p(decisions) / dz."""
    entropy_slope_PBTO: Tensor
    """d (sum of the entropies of all decisions, in nats) / dz."""


def drawn_signs(
    output_PBTO: Float[Tensor, "P B T O"],
    episode: Episode,
    u_PWBO: Float[Tensor, "P W B O"],
    beta_P: Float[Tensor, " P"],
) -> Decided:
    """+ with p = 1 / (1 + exp(-l)), l = beta times the mean output over a window.

    Over its n steps dl/dz = beta / n, d log p(a) / dl = a - p with a = 1 for +, else 0,
    and dH/dl = -l p (1 - p).  A decision is + where u < p.
    """
    asked_PBTO = episode.mask_PBTO & (episode.target_PBTO != 0)
    window_PBTO = windows(asked_PBTO)
    u_PBWO = u_PWBO.transpose(1, 2)
    none_PBWO = u_PBWO.new_zeros(u_PBWO.shape, dtype=torch.float64)
    # sums in float64, as the scores of decisions are
    said_PBTO = (output_PBTO * asked_PBTO).double()
    total_PBWO = none_PBWO.scatter_add(2, window_PBTO, said_PBTO)
    steps_PBWO = none_PBWO.scatter_add(2, window_PBTO, asked_PBTO.double())
    steps_PBWO = steps_PBWO.clamp(min=1)
    logit_PBWO = along(beta_P, none_PBWO) * total_PBWO / steps_PBWO
    p_PBWO = torch.sigmoid(logit_PBWO)
    plus_PBWO = (u_PBWO < p_PBWO).double()
    each_PBWO = along(beta_P, none_PBWO) / steps_PBWO
    slope_PBWO = -logit_PBWO * p_PBWO * (1 - p_PBWO) * each_PBWO

    def at_steps(of_window_PBWO: Tensor) -> Tensor:
        """The same number at all steps of a window, 0 elsewhere."""
        spread_PBTO = of_window_PBWO.gather(2, window_PBTO)
        return (spread_PBTO * asked_PBTO).to(output_PBTO.dtype)

    return Decided(
        at_steps(2 * plus_PBWO - 1) * episode.target_PBTO.abs(),
        at_steps((plus_PBWO - p_PBWO) * each_PBWO),
        at_steps(slope_PBWO),
    )


def windows(asked_PBTO: Tensor) -> Tensor:
    """The number of the window that each step belongs to, or the last before it."""
    inside_PBT = asked_PBTO.any(3)
    before_PBT = torch.nn.functional.pad(inside_PBT, (1, 0))[..., :-1]
    number_PBT = (inside_PBT & ~before_PBT).cumsum(2) - 1
    return number_PBT.clamp(min=0)[..., None].expand(asked_PBTO.shape)


def drawn_classes(
    output_PBTO: Float[Tensor, "P B T O"],
    episode: Episode,
    u_PWBO: Float[Tensor, "P W B O"],
    beta_P: Float[Tensor, " P"],
) -> Decided:
    """One of O classes, by the outputs z_o of the last scored step.

    p_o = exp(beta z_o) / sum_k exp(beta z_k),
    d log p(a) / dz_o = beta (1 if o = a else 0, minus p_o), and
    dH/dz_o = -beta p_o (log p_o + H).  It is the first class whose cumulative
    probability is above u.
    """
    mask_PBTO = episode.mask_PBTO
    steps = torch.arange(mask_PBTO.shape[2], device=mask_PBTO.device)
    last_PB = (mask_PBTO.any(3) * steps).amax(2)
    place_PBTO = (steps == last_PB[..., None])[..., None].to(output_PBTO.dtype)
    index_PB1O = last_PB[..., None, None].expand(-1, -1, 1, output_PBTO.shape[3])
    z_PBO = output_PBTO.gather(2, index_PB1O)[:, :, 0].double()
    beta_P11 = along(beta_P, z_PBO)
    log_p_PBO = torch.log_softmax(beta_P11 * z_PBO, 2)
    p_PBO = log_p_PBO.exp()
    below_PBO = p_PBO.cumsum(2) <= u_PWBO[:, 0, :, :1]
    # rounding can leave the last sum below u
    chosen_PB = below_PBO.sum(2).clamp(max=p_PBO.shape[2] - 1)
    one_PBO = torch.nn.functional.one_hot(chosen_PB, p_PBO.shape[2]).double()
    entropy_PB1 = -(p_PBO * log_p_PBO).sum(2, keepdim=True)

    def at_last(of_trial_PBO: Tensor) -> Tensor:
        return of_trial_PBO[:, :, None].to(output_PBTO.dtype) * place_PBTO

    return Decided(
        at_last(one_PBO),
        at_last(beta_P11 * (one_PBO - p_PBO)),
        at_last(-beta_P11 * p_PBO * (log_p_PBO + entropy_PB1)),
    )
