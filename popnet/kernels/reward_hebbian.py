"""Trials of reward-modulated Hebbian learning, one network at a time, compiled.

The same mathematics as ``rules.reward_hebbian.step`` in float32.  The trace is summed
as the trial goes on, ``TOGETHER`` steps at a time, while its factors are in the cache.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from popnet.core.cell import Cell, Params, pick
from popnet.core.constraints import project
from popnet.core.rollout import readout
from popnet.core.scoring import Score
from popnet.kernels.compiling import compiled
from popnet.kernels.forward import (
    Currents,
    Floats,
    Network,
    array,
    currents_of,
    fill,
    given,
    room_for,
    with_one,
)
from popnet.kernels.rates import rates
from popnet.kernels.tiles import aligned, multiply_row, multiply_transposed, padded

TRACES = {"cube": 0, "signed_square": 1, "node_perturbation": 2}
TOGETHER = 64
"""Steps whose factors of the trace go into one product."""


class _Room(NamedTuple):
    """Where one trial of one network is worked on."""

    u: Floats
    x: Floats
    xbar: Floats
    total: Floats
    rs: Floats
    """r(t), t = 0 .. T."""
    kicks: Floats
    """Impulses of one step."""
    post: Floats
    pre: Floats
    trace: Floats
    """e' [N, N]."""


@compiled
def _factors(
    kind: int, x: Any, xbar: Any, r: Any, kicks: Any, decay: Any, post: Any, pre: Any
) -> None:
    """S(d), S(r) of one step, and the running mean of x after it."""
    keep = np.float32(1) - decay
    if kind == 2:
        for i in range(x.shape[0]):
            post[i] = kicks[i]
            pre[i] = r[i]
    elif kind == 1:
        for i in range(x.shape[0]):
            d = x[i] - xbar[i]
            post[i] = d * abs(d)
            pre[i] = r[i] * abs(r[i])
    else:
        for i in range(x.shape[0]):
            d = x[i] - xbar[i]
            post[i] = d * d * d
            pre[i] = r[i] * r[i] * r[i]
    for i in range(x.shape[0]):
        xbar[i] = decay * xbar[i] + keep * x[i]


@compiled
def _euler(a: Any, total: Any, x: Any) -> None:
    for i in range(x.shape[0]):
        x[i] += a[i] * (total[i] - x[i])


@compiled
def _kicked(
    step: Any, unit: Any, size: Any, kick: int, t: int, total: Any, kicks: Any
) -> int:
    """Adds the impulses of step t; returns the first kick of a later step."""
    kicks[:] = 0
    while kick < step.shape[0] and step[kick] == t:
        kicks[unit[kick]] += size[kick]
        total[unit[kick]] += size[kick]
        kick += 1
    return kick


@compiled
def _trial(
    net: Network, currents: Currents, input_BTI: Any, x0_N: Any, room: _Room, kind: int,
    decay: Any, skip: int,
) -> None:  # fmt: skip
    """One trial: leaves rates and the trace in the room, and xbar moved on."""
    recurrent, external, a, slope = net.recurrent, net.external, net.a, net.slope
    threshold, code, clamped, values = net.threshold, net.code, net.clamped, net.values
    u, x, xbar, total, rs = room.u, room.x, room.xbar, room.total, room.rs
    kicks, post, pre, trace = room.kicks, room.post, room.pre, room.trace
    step, _, unit, size, noise = currents
    row, steps = x.shape[0], u.shape[0]
    with_one(input_BTI, u)
    x[: x0_N.shape[0]] = x0_N
    for k in range(clamped.shape[0]):
        x[clamped[k]] = values[k]
    rates(code, x, slope[:row], threshold[:row], rs[0])
    trace[:] = 0
    kick = 0
    for t in range(steps):
        total[:] = 0
        if noise.shape[0] > 0:
            for i in range(noise.shape[2]):
                total[i] = noise[0, t, i]
        kick = _kicked(step, unit, size, kick, t, total, kicks)
        multiply_row(total, rs[t], recurrent, recurrent.shape[0])
        multiply_row(total, u[t, 0], external, external.shape[0])
        _euler(a[:row], total, x)
        rates(code, x, slope[:row], threshold[:row], rs[t + 1])
        place = t % post.shape[0]
        _factors(kind, x, xbar, rs[t], kicks, decay, post[place], pre[place])
        if t < skip:
            post[place] = 0
        if place + 1 == post.shape[0] or t + 1 == steps:
            multiply_transposed(trace, pre, 0, post, trace.shape[0], place + 1)


@compiled
def _update(recurrent: Any, trace: Any, size: Any, limit: Any) -> None:
    """W += clip(size e, +-limit); both transposed.  A NaN stays a NaN."""
    for j in range(trace.shape[0]):
        for i in range(trace.shape[1]):
            change = size * trace[j, i]
            change = limit if change > limit else change
            change = -limit if change < -limit else change
            recurrent[j, i] += change


def _room(steps: int, units: int, inputs: int) -> _Room:
    row = padded(units)
    return _Room(
        aligned(steps, 1, inputs + 1), aligned(row), aligned(row), aligned(row),
        aligned(steps + 1, row), aligned(row), aligned(TOGETHER, row),
        aligned(TOGETHER, row), aligned(units, row),
    )  # fmt: skip


def learn_by_reward(
    params: Params,
    state: Any,
    episode: Any,
    settings: Any,
    hyper: Mapping[str, Tensor],
    cell: Cell,
    score: Score,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """``rules.reward_hebbian.step`` of P networks, B trials each in turn.

    Returns weights, baselines, running means, errors and whether correct.
    """
    steps, inputs = episode.input_PBTI.shape[2:]
    units = params.w_PNN.shape[1]
    room = _room(steps, units, inputs)
    net = room_for(units, inputs, 1, cell)
    results = [
        _learn_one(params, state, episode, settings, hyper, cell, score, p, net, room)
        for p in range(len(params.w_PNN))
    ]
    columns = (torch.stack(column) for column in zip(*results, strict=True))
    w, baseline, xbar, error, correct = columns
    return w, baseline, xbar, error, correct


def _learn_one(
    params: Params, state: Any, episode: Any, settings: Any,
    hyper: Mapping[str, Tensor], cell: Cell, score: Score, p: int, net: Network,
    room: _Room,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """The trials of one network."""
    units = params.w_PNN.shape[1]
    fill(net, given(params, p), np.float32(cell.dt_s))
    room.xbar[:units] = state.xbar_PN[p].numpy()
    weights = torch.from_numpy(net.recurrent)[:, :units]
    own = {name: float(values[p]) for name, values in hyper.items()}
    only = slice(p, p + 1)
    alone = pick(params, torch.tensor([p]))
    baseline = state.baseline_PK[p].clone()
    errors, corrects = [], []
    for b in range(episode.input_PBTI.shape[1]):
        now = slice(b, b + 1)
        rates_TN = _run(episode, net, room, p, b, settings, own["state_decay"])
        output = readout(alone, cell, rates_TN[None, None, :, :units])
        scores = score(
            output, episode.target_PBTO[only, now], episode.mask_PBTO[only, now]
        )
        errors.append(scores.error_PB[0, 0])
        corrects.append(scores.correct_PB[0, 0])
        kind, error = int(episode.type_PB[p, b]), float(errors[-1])
        before = float(baseline[kind])
        if int(episode.trial_P[p]) + b >= own["wait_trials"]:
            factor = before if own["error_factor"] else 1.0
            size = -own["learning_rate"] * factor * (error - before)
            limit = np.float32(own["max_update"])
            _update(net.recurrent, room.trace, np.float32(size), limit)
            _constrain(weights, alone)
        decay = own["baseline_decay"]
        baseline[kind] = decay * before + (1 - decay) * error
    xbar_N = torch.from_numpy(room.xbar[:units].copy())
    return (
        weights.mT.clone(), baseline, xbar_N, torch.stack(errors), torch.stack(corrects)
    )  # fmt: skip


def _run(
    episode: Any, net: Network, room: _Room, p: int, b: int, settings: Any, decay: float
) -> Tensor:
    """One trial; its rates [T, N], padded."""
    noise = episode.noise_PBTN
    currents = currents_of(
        None if episode.kicks is None else [episode.kicks[p][b]],
        None if noise is None else noise[p, b : b + 1],
    )
    _trial(
        net, currents, array(episode.input_PBTI[p], slice(b, b + 1)),
        array(episode.x0_PBN[p], b), room, TRACES[settings.trace], np.float32(decay),
        settings.skip_steps,
    )  # fmt: skip
    return torch.from_numpy(room.rs)[1:]


def _constrain(weights: Tensor, alone: Params) -> None:
    """Masks and Dale's law, where a network has them; ``weights``: W' [N, N]."""
    if alone.mask_PNN is not None or alone.sign_PN is not None:
        allowed = project(alone._replace(w_PNN=weights.mT[None].clone()))
        weights[:] = allowed.w_PNN[0].mT
