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
    """Mean |output - target| over the scored window; ``squared``: its square."""
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


def mean_square(
    output_PBTO: Float[Tensor, "P B T O"],
    target_PBTO: Float[Tensor, "P B T O"],
    mask_PBTO: Bool[Tensor, "P B T O"],
) -> Float[Tensor, "P B"]:
    """Mean (output - target)^2 over the scored steps and outputs of each trial."""
    square = (output_PBTO - target_PBTO) ** 2 * mask_PBTO
    return square.sum((2, 3)) / mask_PBTO.sum((2, 3))


def squared(score: Score) -> Score:
    """The same score, but for its error: the mean square.

    For tasks whose paper's criterion and losses are mean squares (Huang et al.).
    """

    def scored(output_PBTO: Tensor, target_PBTO: Tensor, mask_PBTO: Tensor) -> Scores:
        correct_PB = score(output_PBTO, target_PBTO, mask_PBTO).correct_PB
        return Scores(mean_square(output_PBTO, target_PBTO, mask_PBTO), correct_PB)

    return scored


def _signs_right(
    output_PBTO: Tensor, target_PBTO: Tensor, window_PBTO: Tensor
) -> Bool[Tensor, "P B O"]:
    """Whether the mean output over a window has the sign of the mean target there.

    A mean of exactly 0 has no sign and is wrong.  True where the window is empty.
    """
    # sums in float64, so that rounding decides no sign
    answer_PBO = (output_PBTO * window_PBTO).sum(2, dtype=torch.float64)
    asked_PBO = (target_PBTO * window_PBTO).sum(2, dtype=torch.float64)
    right_PBO = torch.sign(answer_PBO) * torch.sign(asked_PBO) > 0
    return right_PBO | ~window_PBTO.any(2)


def decision(
    output_PBTO: Float[Tensor, "P B T O"],
    target_PBTO: Float[Tensor, "P B T O"],
    mask_PBTO: Bool[Tensor, "P B T O"],
) -> Scores:
    """Correct when every output's mean over the scored window has the right sign.

    A mean of exactly 0 is wrong; amplitude plays no part.  Miconi's "trial error < 1"
    (eLife 2017;6:e20899), with rates in (-1, 1) as outputs and targets of +-0.98, gives
    another answer only where the mean output lies between 0 and 0.02 on the wrong side.
    """
    error_PB = mean_error(output_PBTO, target_PBTO, mask_PBTO)
    right_PB = _signs_right(output_PBTO, target_PBTO, mask_PBTO).all(2)
    return Scores(error_PB, right_PB & mask_PBTO.any(3).any(2))


def decision_after_silence(
    output_PBTO: Float[Tensor, "P B T O"],
    target_PBTO: Float[Tensor, "P B T O"],
    mask_PBTO: Bool[Tensor, "P B T O"],
) -> Scores:
    """As ``decision``, judged only where the target is not 0, for every output.

    The error counts all scored steps, also those at which 0 is asked for.
    """
    decided_PBTO = mask_PBTO & (target_PBTO != 0)
    correct_PB = decision(output_PBTO, target_PBTO, decided_PBTO).correct_PB
    return Scores(mean_error(output_PBTO, target_PBTO, mask_PBTO), correct_PB)


NEAR = 0.05


def decision_and_size(
    output_PBTO: Float[Tensor, "P B T O"],
    target_PBTO: Float[Tensor, "P B T O"],
    mask_PBTO: Bool[Tensor, "P B T O"],
) -> Scores:
    """As ``decision_after_silence``; an output asked for less than 1 gives a size.

    A size is right when the mean output over the steps at which it is asked for has the
    right sign and is less than 0.05 away from it; an output asked for +-1 decides.
    """
    decided_PBTO = mask_PBTO & (target_PBTO != 0)
    gap_PBTO = (output_PBTO - target_PBTO) * decided_PBTO
    gap_PBO = gap_PBTO.sum(2, dtype=torch.float64) / decided_PBTO.sum(2)
    decides_PBO = (target_PBTO.abs() * decided_PBTO).amax(2) >= 1
    near_PBO = (gap_PBO.abs() < NEAR) | decides_PBO | ~decided_PBTO.any(2)
    scores = decision_after_silence(output_PBTO, target_PBTO, mask_PBTO)
    return Scores(scores.error_PB, scores.correct_PB & near_PBO.all(2))


def decisions(
    output_PBTO: Float[Tensor, "P B T O"],
    target_PBTO: Float[Tensor, "P B T O"],
    mask_PBTO: Bool[Tensor, "P B T O"],
) -> Scores:
    """Correct when the decision of every scored window of the trial is right.

    A window is an unbroken run of scored steps.
    """
    inside_PBT = mask_PBTO.any(3)
    before_PBT = torch.nn.functional.pad(inside_PBT, (1, 0))[..., :-1]
    window_PBT = (inside_PBT & ~before_PBT).cumsum(2)
    right_PB = inside_PBT.any(2)
    for window in range(1, int(window_PBT.max()) + 1):
        # a trial with fewer windows than another has no steps here
        here_PBTO = mask_PBTO & (window_PBT == window)[..., None]
        right_PBO = _signs_right(output_PBTO, target_PBTO, here_PBTO)
        right_PB = right_PB & right_PBO.all(2)
    return Scores(mean_error(output_PBTO, target_PBTO, mask_PBTO), right_PB)


RIGHT_SHARE = 0.95


def tracking(
    output_PBTO: Float[Tensor, "P B T O"],
    target_PBTO: Float[Tensor, "P B T O"],
    mask_PBTO: Bool[Tensor, "P B T O"],
) -> Scores:
    """Correct when 95 % of the scored steps of all outputs have the right sign.

    An output of exactly 0 has no sign and is wrong.
    """
    right = (torch.sign(output_PBTO) * torch.sign(target_PBTO) > 0) & mask_PBTO
    share_PB = right.sum((2, 3)) / mask_PBTO.sum((2, 3))
    error_PB = mean_error(output_PBTO, target_PBTO, mask_PBTO)
    return Scores(error_PB, share_PB >= RIGHT_SHARE)


CLOSE = 0.05
EXPLAINED = 0.9


def close(
    output_PBTO: Float[Tensor, "P B T O"],
    target_PBTO: Float[Tensor, "P B T O"],
    mask_PBTO: Bool[Tensor, "P B T O"],
) -> Scores:
    """Correct when the mean squared error of the trial, its error, is at most 0.05.

    The mean is over scored steps and outputs.  At this value of it Huang et al. (arXiv
    2410.03972) end the training on their sine wave and path integration tasks.
    """
    square_PB = mean_square(output_PBTO, target_PBTO, mask_PBTO)
    return Scores(square_PB, square_PB <= CLOSE)


def fitted(
    output_PBTO: Float[Tensor, "P B T O"],
    target_PBTO: Float[Tensor, "P B T O"],
    mask_PBTO: Bool[Tensor, "P B T O"],
) -> Scores:
    """Correct when the outputs explain 90 % of the target's variance in the trial.

    1 - sum (output - target)^2 / sum (target - mean target)^2 >= 0.9, sums over scored
    steps and outputs, each output with a mean of its own.  The 90 % are our choice.
    """
    steps_PBO = mask_PBTO.sum(2)
    mean_PBO = (target_PBTO * mask_PBTO).sum(2) / steps_PBO
    spread_PBTO = (target_PBTO - mean_PBO[:, :, None]) ** 2 * mask_PBTO
    missed_PBTO = (output_PBTO - target_PBTO) ** 2 * mask_PBTO
    allowed_PB = (1 - EXPLAINED) * spread_PBTO.sum((2, 3))
    error_PB = mean_error(output_PBTO, target_PBTO, mask_PBTO)
    return Scores(error_PB, missed_PBTO.sum((2, 3)) <= allowed_PB)


def last_class(
    output_PBTO: Float[Tensor, "P B T O"],
    target_PBTO: Float[Tensor, "P B T O"],
    mask_PBTO: Bool[Tensor, "P B T O"],
) -> Scores:
    """Correct when the largest output is that of the right class at the last step.

    The last scored one; targets are 1 at the output of the class and 0 elsewhere.  Two
    outputs that are equally large choose nothing, which is wrong.  The criterion of
    NeuroGym's examples of supervised learning.
    """
    steps = torch.arange(mask_PBTO.shape[2], device=mask_PBTO.device)
    last_PB = (mask_PBTO.any(3) * steps).amax(2)
    index_PBTO = last_PB[:, :, None, None].expand(-1, -1, 1, target_PBTO.shape[3])
    given_PBO = output_PBTO.gather(2, index_PBTO)[:, :, 0]
    asked_PB1 = target_PBTO.gather(2, index_PBTO)[:, :, 0].argmax(2, keepdim=True)
    right_PB1 = given_PBO.gather(2, asked_PB1)
    others_PBO = given_PBO.scatter(2, asked_PB1, -torch.inf)
    error_PB = mean_error(output_PBTO, target_PBTO, mask_PBTO)
    return Scores(error_PB, (right_PB1 > others_PBO).all(2))
