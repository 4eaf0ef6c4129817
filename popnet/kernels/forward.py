"""Networks run forward, one at a time, compiled: the steps that kernels share.

    total(t) = r(t) W' + u(t) V' + c(t),   V = [W_in, b], u = [inputs, 1]
    x(t+1) = x(t) + (dt / tau) (total(t) - x(t)),   r = phi(slope (x - threshold))

The same mathematics as ``core.rollout`` in float32.  B trials, T steps, N units, I
inputs, O outputs; rows of units are padded to whole lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from popnet.core.cell import Cell, Params
from popnet.core.impulses import ImpulseList
from popnet.kernels.compiling import compiled, summing
from popnet.kernels.packing import (
    Currents,
    PackedNetwork,
    array,
    currents_of,
    fill,
    given,
    room_for,
)
from popnet.kernels.rates import rates
from popnet.kernels.tiles import aligned, multiply, padded

FROZEN = 32
"""Trials of a frozen network that are run at once: their activity stays in the cache.
"""


@compiled
def with_one(input_BTI: Any, u: Any) -> None:
    """u = [inputs, 1], step by step: [T, B, I + 1]."""
    trials, steps, inputs = input_BTI.shape
    for b in range(trials):
        for t in range(steps):
            for c in range(inputs):
                u[t, b, c] = input_BTI[b, t, c]
            u[t, b, inputs] = 1


@compiled
def begin(net: PackedNetwork, x0_BN: Any, x: Any, r: Any) -> None:
    """x and rates of B trials at step 0."""
    row = x.shape[1]
    x[:] = 0  # the padding too: a diverged network leaves NaN in it
    for b in range(x.shape[0]):
        x[b, : x0_BN.shape[1]] = x0_BN[b]
        for k in range(net.clamped.shape[0]):
            x[b, net.clamped[k]] = net.values[k]
        rates(net.code, x[b], net.slope[:row], net.threshold[:row], r[b])


@compiled
def _euler(a: Any, total: Any, x: Any, x_after: Any) -> None:
    for i in range(x.shape[0]):
        x_after[i] = x[i] + a[i] * (total[i] - x[i])


@compiled
def arrive(
    total: Any, noise: Any, step: Any, trial: Any, unit: Any, size: Any, t: int,
    impulse: int, first: int,
) -> int:  # fmt: skip
    """total = noise and impulses of step t, of the trials from ``first`` on.

    Returns the first impulse of a later step.
    """
    total[:] = 0
    if noise.shape[0] > 0:
        for b in range(total.shape[0]):
            for i in range(noise.shape[2]):
                total[b, i] = noise[first + b, t, i]
    while impulse < step.shape[0] and step[impulse] == t:
        b = trial[impulse] - first
        if 0 <= b < total.shape[0]:
            total[b, unit[impulse]] += size[impulse]
        impulse += 1
    return impulse


@compiled
def advance(
    recurrent: Any, external: Any, a: Any, slope: Any, threshold: Any, code: int,
    total: Any, u: Any, x: Any, r: Any, x_after: Any, r_after: Any,
) -> None:  # fmt: skip
    """One step of B trials, from x and r to those after it.

    ``total`` comes with the currents.  No two arrays may be the same.
    """
    multiply(total, r, recurrent, x.shape[0], recurrent.shape[0])
    multiply(total, u, external, x.shape[0], external.shape[0])
    block, size = a.shape[0], x.size
    sums, before = total.reshape(size), x.reshape(size)
    after, rate = x_after.reshape(size), r_after.reshape(size)
    for k in range(0, size, block):
        m = min(block, size - k)
        _euler(a[:m], sums[k : k + m], before[k : k + m], after[k : k + m])
        rates(code, after[k : k + m], slope[:m], threshold[:m], rate[k : k + m])


@summing
def read(readout: Any, unit: int, r: Any, output_BO: Any) -> None:
    """The output of B trials: the rate of a unit, or W_out r."""
    if unit >= 0:
        for b in range(output_BO.shape[0]):
            output_BO[b, 0] = r[b, unit]
        return
    for b in range(output_BO.shape[0]):
        for o in range(output_BO.shape[1]):
            total = np.float32(0)
            for i in range(r.shape[1]):
                total += r[b, i] * readout[o, i]
            output_BO[b, o] = total


@compiled
def mean_error(output_TO: Any, target_TO: Any, mask_TO: Any) -> Any:
    """``core.scoring.mean_error`` of one trial."""
    total, scored = 0.0, 0
    for t in range(output_TO.shape[0]):
        for o in range(output_TO.shape[1]):
            if mask_TO[t, o]:
                total += abs(output_TO[t, o] - target_TO[t, o])
                scored += 1
    return total / scored


@compiled
def run(
    net: PackedNetwork, currents: Currents, first: int, u: Any, x0_BN: Any, xs: Any,
    rs: Any, total: Any, output_TBO: Any,
) -> None:  # fmt: skip
    """All steps of the trials that x0_BN begins; ``first`` of them in the currents.

    xs and rs have T + 1 places to keep every step, or 2 in which they take turns.
    """
    # taken apart once: a tuple of arrays is copied whole at every call
    recurrent, external, readout, unit = net[:4]
    a, slope, threshold, code = net.a, net.slope, net.threshold, net.code
    step, trial, place, amount, noise = currents
    impulse = 0
    begin(net, x0_BN, xs[0], rs[0])
    for t in range(u.shape[0]):
        impulse = arrive(total, noise, step, trial, place, amount, t, impulse, first)
        r_after = rs[(t + 1) % rs.shape[0]]
        advance(
            recurrent, external, a, slope, threshold, code, total, u[t],
            xs[t % xs.shape[0]], rs[t % rs.shape[0]], xs[(t + 1) % xs.shape[0]],
            r_after,
        )  # fmt: skip
        read(readout, unit, r_after, output_TBO[t])


@compiled
def part(room: Any, length: int, trials: int, row: int) -> Any:
    """Some of the room, [length, trials, row]."""
    return room[: length * trials * row].reshape((length, trials, row))


@compiled
def by_trial(output_TBO: Any, output_BTO: Any) -> None:
    """The same outputs, trials first."""
    steps, trials, outputs = output_TBO.shape
    for b in range(trials):
        for t in range(steps):
            for o in range(outputs):
                output_BTO[b, t, o] = output_TBO[t, b, o]


@compiled
def _run_frozen(
    net: PackedNetwork, currents: Currents, input_BTI: Any, x0_BN: Any, room: Any,
    row: int, output_BTO: Any,
) -> None:  # fmt: skip
    """``room``: flat arrays for u, x, r, total and output of FROZEN trials."""
    steps, inputs = input_BTI.shape[1:]
    for first in range(0, x0_BN.shape[0], FROZEN):
        now = slice(first, min(first + FROZEN, x0_BN.shape[0]))
        trials = x0_BN[now].shape[0]
        u = part(room[0], steps, trials, inputs + 1)
        xs, rs = part(room[1], 2, trials, row), part(room[2], 2, trials, row)
        total = part(room[3], 1, trials, row)[0]
        output = part(room[4], steps, trials, output_BTO.shape[2])
        with_one(input_BTI[now], u)
        run(net, currents, first, u, x0_BN[now], xs, rs, total, output)
        by_trial(output, output_BTO[now])


def outputs(
    params: Params,
    cell: Cell,
    input_PBTI: Tensor,
    noise_PBTN: Tensor | None,
    impulses: Sequence[Sequence[ImpulseList]] | None,
    x0_PBN: Tensor,
) -> Tensor:
    """The outputs [P, B, T, O] of frozen networks: ``core.rollout.outputs``."""
    trials, units = x0_PBN.shape[1:]
    steps, inputs = input_PBTI.shape[2:]
    outputs = 1 if params.wout_PON is None else params.wout_PON.shape[1]
    row, some = padded(units), min(trials, FROZEN)
    net = room_for(units, inputs, outputs, cell)
    sizes = (steps * (inputs + 1), 2 * row, 2 * row, row, steps * outputs)
    room = tuple(aligned(some * size) for size in sizes)
    made = torch.empty(len(x0_PBN), trials, steps, outputs)
    for p in range(len(x0_PBN)):
        noise = None if noise_PBTN is None else noise_PBTN[p]
        currents = currents_of(None if impulses is None else impulses[p], noise)
        fill(net, given(params, p), np.float32(cell.dt_s))
        _run_frozen(
            net, currents, array(input_PBTI, p), array(x0_PBN, p), room, row,
            made[p].numpy(),
        )  # fmt: skip
    return made
