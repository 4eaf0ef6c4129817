"""Trials of reward-modulated Hebbian learning, one network at a time, compiled.

The same mathematics as ``rules.reward_hebbian.step`` in float32.  The trace is summed
as the trial goes on, ``TOGETHER`` steps at a time, while its factors are in the cache.
The reward of a trial is its ``core.scoring.mean_error``, whatever the task scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from threading import get_ident
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popnet.core.cell import Cell, Params
from popnet.core.scoring import Score
from popnet.kernels.compiling import compiled
from popnet.kernels.forward import mean_error, read, with_one
from popnet.kernels.packing import (
    NO_READOUT,
    Currents,
    Floats,
    Given,
    PackedNetwork,
    array,
    fill,
    given,
    in_turn,
    room_for,
)
from popnet.kernels.rates import rates
from popnet.kernels.tiles import aligned, multiply_row, multiply_transposed, padded
from popnet.kernels.trace import TraceOf, factors, trace_of

TOGETHER = 64
"""Steps whose factors of the trace go into one product."""


class _Room(NamedTuple):
    """Where one trial of one network is worked on."""

    u: Floats
    x: Floats
    before: Floats
    """x one step before."""
    xbar: Floats
    total: Floats
    rs: Floats
    """r(t), t = 0 .. T."""
    impulses: Floats
    """Impulses of one step."""
    post: Floats
    pre: Floats
    trace: Floats
    """e' [N, N]."""


class _Trials(NamedTuple):
    """What one network meets, trial by trial."""

    input_BTI: Floats
    target_BTO: Floats
    mask_BTO: NDArray[np.bool_]
    x0_BN: Floats
    kind_B: NDArray[np.int64]


class _Constants(NamedTuple):
    """The rule's settings for one network."""

    learning_rate: float
    max_update: np.float32
    baseline_decay: float
    error_factor: bool
    trace: TraceOf
    first: int
    """The first of these trials that is learned from."""


class _Allowed(NamedTuple):
    """Which weights may be: transposed mask [N, N] and signs [N], or nothing."""

    mask: Floats
    sign: Floats


@compiled
def _euler(a: Any, total: Any, x: Any) -> None:
    for i in range(x.shape[0]):
        x[i] += a[i] * (total[i] - x[i])


@compiled
def _begin(x: Any, x0_N: Any, clamped: Any, values: Any) -> None:
    """The states at the start of a trial, 0 in the rows that fill up a tile."""
    x[:] = 0
    x[: x0_N.shape[0]] = x0_N
    for k in range(clamped.shape[0]):
        x[clamped[k]] = values[k]


@compiled
def _add_impulses(
    step: Any, trial: Any, unit: Any, size: Any, impulse: int, b: int, t: int,
    total: Any, impulses: Any,
) -> int:  # fmt: skip
    """Adds the impulses of step t of trial b; returns the first still to come."""
    impulses[:] = 0
    while impulse < step.shape[0] and trial[impulse] == b and step[impulse] == t:
        impulses[unit[impulse]] += size[impulse]
        total[unit[impulse]] += size[impulse]
        impulse += 1
    return impulse


@compiled
def _trial(
    net: PackedNetwork, currents: Currents, b: int, impulse: int, input_BTI: Any,
    x0_N: Any, room: _Room, of: TraceOf,
) -> int:  # fmt: skip
    """Trial b: leaves rates and the trace in the room, and xbar moved on."""
    recurrent, external, a, slope = net.recurrent, net.external, net.a, net.slope
    threshold, code, clamped, values = net.threshold, net.code, net.clamped, net.values
    u, x, xbar, total, rs = room.u, room.x, room.xbar, room.total, room.rs
    before = room.before
    impulses, post, pre, trace = room.impulses, room.post, room.pre, room.trace
    step, trial, unit, size, noise = currents
    row, steps = x.shape[0], u.shape[0]
    with_one(input_BTI, u)
    _begin(x, x0_N, clamped, values)
    rates(code, x, slope[:row], threshold[:row], rs[0])
    trace[:] = 0
    filled = 0
    for t in range(steps):
        total[:] = 0
        if noise.shape[0] > 0:
            for i in range(noise.shape[2]):
                total[i] = noise[b, t, i]
        impulse = _add_impulses(step, trial, unit, size, impulse, b, t, total, impulses)
        multiply_row(total, rs[t], recurrent, recurrent.shape[0])
        multiply_row(total, u[t, 0], external, external.shape[0])
        before[:] = x
        _euler(a[:row], total, x)
        rates(code, x, slope[:row], threshold[:row], rs[t + 1])
        if (t + 1) % of.steps > 0:
            continue
        place = filled % post.shape[0]
        factors(
            of, filled, a[:row], impulses, before, x, xbar, rs[t + 1 - of.steps],
            post[place], pre[place],
        )  # fmt: skip
        filled += 1
        if place + 1 == post.shape[0] or t + of.steps >= steps:
            multiply_transposed(trace, pre, 0, post, trace.shape[0], place + 1)
    return impulse


@compiled
def _update(recurrent: Any, trace: Any, size: Any, limit: Any, may: _Allowed) -> None:
    """W += clip(size e, +-limit), and what is not allowed 0; all transposed.

    A NaN stays a NaN.
    """
    for j in range(trace.shape[0]):
        for i in range(trace.shape[1]):
            change = size * trace[j, i]
            change = limit if change > limit else change
            change = -limit if change < -limit else change
            recurrent[j, i] += change
    for j in range(may.mask.shape[0]):
        for i in range(may.mask.shape[1]):
            recurrent[j, i] *= may.mask[j, i]
    for j in range(may.sign.shape[0]):
        for i in range(recurrent.shape[1]):
            if recurrent[j, i] * may.sign[j] < 0:
                recurrent[j, i] = 0


@compiled
def _learn(
    net: PackedNetwork, of: Given, trials: _Trials, currents: Currents, room: _Room,
    constants: _Constants, may: _Allowed, w_NN: Any, baseline_K: Any, xbar_N: Any,
    output_BTO: Any, dt_s: Any,
) -> None:  # fmt: skip
    """The trials of one network, each with the update after it."""
    fill(net, of, dt_s)
    units, impulse = xbar_N.shape[0], 0
    room.xbar[:] = 0  # the padding too: a diverged network leaves NaN in it
    room.xbar[:units] = xbar_N
    for b in range(trials.x0_BN.shape[0]):
        impulse = _trial(
            net, currents, b, impulse, trials.input_BTI[b : b + 1], trials.x0_BN[b],
            room, constants.trace,
        )  # fmt: skip
        output_TO = output_BTO[b]
        read(net.readout, net.unit, room.rs[1:], output_TO)
        error = mean_error(output_TO, trials.target_BTO[b], trials.mask_BTO[b])
        kind = trials.kind_B[b]
        before = np.float64(baseline_K[kind])
        if b >= constants.first:
            factor = before if constants.error_factor else 1.0
            size = -constants.learning_rate * factor * (error - before)
            limit = constants.max_update
            _update(net.recurrent, room.trace, np.float32(size), limit, may)
        decay = constants.baseline_decay
        baseline_K[kind] = decay * before + (1 - decay) * error
    xbar_N[:] = room.xbar[:units]
    for i in range(units):
        for j in range(units):
            w_NN[i, j] = net.recurrent[j, i]


@lru_cache(maxsize=2)
def _room(
    thread: int, steps: int, units: int, inputs: int, outputs: int, cell: Cell
) -> tuple[PackedNetwork, _Room]:
    """Kept from block to block, one per thread."""
    del thread  # a part of the key alone
    row = padded(units)
    return room_for(units, inputs, outputs, cell), _Room(
        aligned(steps, 1, inputs + 1),
        aligned(row), aligned(row), aligned(row), aligned(row),
        aligned(steps + 1, row), aligned(row), aligned(TOGETHER, row),
        aligned(TOGETHER, row), aligned(units, row),
    )  # fmt: skip


def learn_by_reward(
    params: Params,
    state: Any,
    episode: Any,
    samples: Any,
    trace: str,
    hyper: Mapping[str, Tensor],
    cell: Cell,
    score: Score,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """``rules.reward_hebbian.step`` of P networks, B trials each in turn.

    ``samples``: ``rules._trace.Samples``.  Returns weights, baselines, running means,
    errors and whether correct.
    """
    steps, inputs = episode.input_PBTI.shape[2:]
    units, outputs = params.w_PNN.shape[1], episode.target_PBTO.shape[3]
    net, room = _room(get_ident(), steps, units, inputs, outputs, cell)
    output = torch.empty(episode.target_PBTO.shape)
    w = torch.empty_like(params.w_PNN)
    baseline, xbar = state.baseline_PK.clone(), state.xbar_PN.clone()
    seen = (episode.input_PBTI, episode.target_PBTO, episode.mask_PBTO,
            episode.x0_PBN, episode.type_PB)  # fmt: skip
    for p in range(len(w)):
        noise = None if episode.noise_PBTN is None else episode.noise_PBTN[p]
        impulses = None if episode.impulses is None else episode.impulses[p]
        own = {name: float(values[p]) for name, values in hyper.items()}
        of = trace_of(trace, samples, own["state_decay_per_ms"])
        _learn(
            net, given(params, p), _Trials(*(array(leaf, p) for leaf in seen)),
            in_turn(impulses, noise), room,
            _constants(own, of, int(episode.trial_P[p])), _allowed(params, p),
            w[p].numpy(), baseline[p].numpy(), xbar[p].numpy(), output[p].numpy(),
            np.float32(cell.dt_s),
        )  # fmt: skip
    scores = score(output, episode.target_PBTO, episode.mask_PBTO)
    return w, baseline, xbar, scores.error_PB, scores.correct_PB


def _constants(own: Mapping[str, float], trace: TraceOf, before: int) -> _Constants:
    return _Constants(
        own["learning_rate"], np.float32(own["max_update"]), own["baseline_decay"],
        own["error_factor"] > 0, trace, int(own["wait_trials"]) - before,
    )  # fmt: skip


def _allowed(params: Params, p: int) -> _Allowed:
    units = params.w_PNN.shape[1]
    mask, sign = NO_READOUT, NO_READOUT[0:0].reshape(0)
    if params.mask_PNN is not None:
        mask = aligned(units, padded(units))
        mask[:, :units] = params.mask_PNN[p].numpy().T
    if params.sign_PN is not None:
        sign = array(params.sign_PN, p)
    return _Allowed(mask, sign)
