"""Traces of reward-modulated learning, as sums over samples of x.

    e_ij = sum_s S(r_j(s-1) d_i(s)),   d = x - xbar,   S(z) = z^3 or z |z|

The published code has one sample per step of 1 ms.  As S is not linear, the sum depends
on the time between samples; so that is a setting of the rule, and dt_s is the network's
alone.  A network with shorter steps is sampled every so many steps.  In a longer step
there are several samples: x jumps when an impulse arrives, as the step begins, and then
moves on a line to where the step leads, while r stays.  A change of dt_s then changes
the rule as little as it changes the network.  There is no such limit for white noise
within a network, whose increments over the time between samples, cubed, go with dt_s.

A trace of the impulses p themselves is linear, e_ij = sum_t r_j(t-1) p_i(t) dt, with dt
in ms.  P networks, T steps, N units, S rows of samples.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from popnet.core.cell import Cell, Params
from popnet.core.rollout import rollout
from popnet.core.time_steps import MILLISECOND_S, Sampling, sampled, steps_before

Trace = Literal["cube", "signed_square", "node_perturbation"]


class Samples(NamedTuple):
    """The samples of x, or of the impulses, of which a trace is the sum."""

    steps: int
    per_step: int
    """See ``core.time_steps.Sampling``."""
    skip: int
    """So many samples of a trial are left out."""
    interval_ms: float
    """From one sample to the next."""


def samples_of(trace: Trace, every_s: float, skip_s: float, dt_s: float) -> Samples:
    """The samples of x every so many seconds; of impulses, one in every step.

    What impulses add up to is their area, at whichever step.
    """
    between = sampled(every_s, dt_s)
    if trace == "node_perturbation":
        every_s, between = dt_s, Sampling(1, 1)
    assert between is not None, "refused by RewardHebbian.fitted"
    return Samples(*between, steps_before(skip_s, every_s), every_s / MILLISECOND_S)


class Factors(NamedTuple):
    """The two factors of the trace, and what the trial leaves behind.

    S rows: samples, or steps with the sum of their samples.
    """

    post_PSN: Tensor
    """S(d), or the impulses; zero where the trace is skipped."""
    pre_PSN: Tensor
    """S(r), or r, one row before."""
    r_PTN: Tensor
    xbar_PN: Tensor


def trace_factors(
    params: Params,
    cell: Cell,
    drive_PTN: Tensor,
    impulses_PTN: Tensor,
    x0_PN: Tensor,
    xbar_PN: Tensor,
    decay_P: Tensor,
    samples: Samples,
    trace: Trace,
) -> Factors:
    """The trace of one trial in plain torch: the reference of the kernel.

    ``drive`` has the impulses in it already; ``decay`` is per ms.
    """
    x, r = rollout(params, cell, drive_PTN[:, None], x0_PN[:, None])
    x, r = x[:, 0], r[:, 0]
    jump_PTN = impulses_PTN * (cell.dt_s / params.tau_PN)[:, None]
    for unit, _ in cell.clamped:
        jump_PTN[..., unit] = 0
    deviation, xbar_PN = _deviations(x, jump_PTN, xbar_PN, decay_P, samples, trace)
    if trace == "node_perturbation":
        post, pre = impulses_PTN * samples.interval_ms, r[:, :-1]
        post[:, : samples.skip] = 0
    else:
        rows, every = deviation.shape[1], samples.steps
        post = deviation
        pre = supralinear(r[:, : rows * every : every], trace)
    return Factors(post, pre, r[:, 1:], xbar_PN)


def _deviations(
    x_PSN: Tensor,
    jump_PTN: Tensor,
    xbar_PN: Tensor,
    decay_P: Tensor,
    samples: Samples,
    trace: Trace,
) -> tuple[Tensor, Tensor]:
    """S(d) row by row, 0 for samples left out, and the running mean at the end."""
    keep_P1 = (decay_P**samples.interval_ms)[:, None]
    made, number = [], 0
    for t in range(samples.steps, x_PSN.shape[1], samples.steps):
        after = x_PSN[:, t]
        start = x_PSN[:, t - 1] + jump_PTN[:, t - 1]
        total = torch.zeros_like(after)
        for part in range(1, samples.per_step + 1):
            now = after
            if part < samples.per_step:
                now = start + part / samples.per_step * (after - start)
            if number >= samples.skip:
                total = total + supralinear(now - xbar_PN, trace)
            xbar_PN = keep_P1 * xbar_PN + (1 - keep_P1) * now
            number += 1
        made.append(total)
    rows = torch.stack(made, 1) if made else x_PSN[:, :0]
    return rows, xbar_PN


def supralinear(z: Tensor, trace: Trace) -> Tensor:
    """S(z) = z^3, or z |z|."""
    return z * z * z if trace == "cube" else z * z.abs()
