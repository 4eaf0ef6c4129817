"""How outputs are scored.  P networks, B trials, T time steps, O outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor


class Scores(NamedTuple):
    """How well P networks did on B trials each."""

    error_PB: Tensor
    """Mean |output - target| over the scored window."""
    correct_PB: Tensor
    """Whether the trial counts as correct."""


Score = Callable[[Tensor, Tensor, Tensor], Scores]


def mean_error(
    output_PBTO: Float[Tensor, "P B T O"],
    target_PBTO: Float[Tensor, "P B T O"],
    mask_PBTO: Bool[Tensor, "P B T O"],
) -> Float[Tensor, "P B"]:
    """Mean |output - target| over the scored steps and outputs of each trial."""
    distance = (output_PBTO - target_PBTO).abs() * mask_PBTO
    return distance.sum((2, 3)) / mask_PBTO.sum((2, 3))


def decision(
    output_PBTO: Float[Tensor, "P B T O"],
    target_PBTO: Float[Tensor, "P B T O"],
    mask_PBTO: Bool[Tensor, "P B T O"],
) -> Scores:
    """Correct when the mean error is below 1: with targets near +-1, the right sign.

    Miconi, eLife 2017;6:e20899, "trial error < 1".
    """
    error_PB = mean_error(output_PBTO, target_PBTO, mask_PBTO)
    return Scores(error_PB, error_PB < 1)


RIGHT_SHARE = 0.95


def tracking(
    output_PBTO: Float[Tensor, "P B T O"],
    target_PBTO: Float[Tensor, "P B T O"],
    mask_PBTO: Bool[Tensor, "P B T O"],
) -> Scores:
    """Correct when 95 % of the scored steps of all outputs have the right sign."""
    right = (torch.sign(output_PBTO) == torch.sign(target_PBTO)) & mask_PBTO
    share_PB = right.sum((2, 3)) / mask_PBTO.sum((2, 3))
    error_PB = mean_error(output_PBTO, target_PBTO, mask_PBTO)
    return Scores(error_PB, share_PB >= RIGHT_SHARE)
