"""Back-propagation through time, one network at a time, compiled.

The same mathematics as ``core.backward`` in float32.  The gradients of the weights are
products summed step by step, while what they are made of is in the cache.  B trials, T
steps, N units, I inputs, O outputs; rows of units are padded to whole lines.
"""

from __future__ import annotations

from functools import lru_cache
from threading import get_ident
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popnet.core.backward import Gradients
from popnet.core.cell import Cell, Params
from popnet.kernels.compiling import compiled
from popnet.kernels.forward import by_trial, part, run, with_one
from popnet.kernels.packing import (
    NO_READOUT,
    Currents,
    Floats,
    Given,
    PackedNetwork,
    array,
    currents_of,
    fill,
    given,
    room_for,
)
from popnet.kernels.rates import slopes
from popnet.kernels.tiles import ROWS, aligned, multiply, multiply_transposed, padded


@compiled
def _loss_error(output_TBO: Any, target: Any, mask: Any, each: Any, error: Any) -> None:
    """dL/do of the mean squared error; ``each`` = 2 / scored steps and outputs."""
    trials, steps, outputs = target.shape
    for b in range(trials):
        for t in range(steps):
            for o in range(outputs):
                distance = output_TBO[t, b, o] - target[b, t, o]
                error[t, b, o] = each * distance * mask[b, t, o]


@compiled
def _back_a_step(
    a: Any, slope: Any, d: Any, into: Any, carried: Any, q: Any, g: Any
) -> None:
    """g(t) and q(t) of ``core.backward``; ``carried`` comes with (1 - a) g(t+1)."""
    for i in range(q.shape[0]):
        now = carried[i] + slope[i] * d[i] * into[i]
        step = a[i] * now
        g[i] = now
        q[i] = step
        carried[i] = now - step


class _Room(NamedTuple):
    """Where some trials of one network are worked on, flat, and its gradients."""

    u: Floats
    xs: Floats
    """x after every step where time constants are trained, else of two steps."""
    rs: Floats
    qs: Floats
    """q of the last TOGETHER steps and trials."""
    output: Floats
    error: Floats
    work: Floats
    back: Floats
    """W [N, N], not transposed."""
    back_out: Floats
    """W_out [O, N]; of an output unit 1 at its place."""
    d_w: Floats
    """dL/dW transposed, and so on."""
    d_v: Floats
    d_wout: Floats
    moved: Floats
    """Sum of g(t+1) (x(t+1) - x(t)) over trials and steps."""


CACHED = 900_000
"""Bytes of rates that are kept for the way back: what the L2 cache holds."""
TOGETHER = 128
"""Steps times trials that go into one product for the gradients."""


@lru_cache(maxsize=2)
def _room(
    thread: int, trials: int, steps: int, units: int, inputs: int, outputs: int,
    cell: Cell, keep: bool,
) -> tuple[PackedNetwork, _Room, int]:  # fmt: skip
    """Kept from step to step, one per thread; and for how many trials it is made."""
    del thread  # a part of the key alone
    row = padded(units)
    some = min(trials, max(1, CACHED // (4 * steps * row) // ROWS) * ROWS)
    together = max(TOGETHER, some) * row
    room = _Room(
        aligned(some * steps * (inputs + 1)),
        aligned(some * (steps + 1 if keep else 2) * row),
        aligned(some * (steps + 1) * row), aligned(together),
        aligned(some * steps * outputs), aligned(some * steps * outputs),
        aligned(4 * some * row), aligned(units, row), aligned(outputs, row),
        aligned(units, row), aligned(inputs + 1, row), aligned(outputs, row),
        aligned(row),
    )  # fmt: skip
    return room_for(units, inputs, outputs, cell), room, some


class _Batch(NamedTuple):
    """What one network meets."""

    input_BTI: Floats
    target_BTO: Floats
    mask_BTO: NDArray[np.bool_]
    x0_BN: Floats


class _Made(NamedTuple):
    """What comes out for one network."""

    output_BTO: Floats
    w_NN: Floats
    win_NI: Floats
    wout_ON: Floats
    bias_N: Floats
    tau_N: Floats


@compiled
def _begin(net: PackedNetwork, of: Given, room: _Room, dt_s: Any) -> None:
    """Fill the room with a network; sums of gradients 0."""
    units = of.w_NN.shape[0]
    fill(net, of, dt_s)
    room.back[:, :units] = of.w_NN
    room.back_out[:] = 0
    if net.unit >= 0:
        room.back_out[0, net.unit] = 1
    for o in range(of.wout_ON.shape[0]):
        room.back_out[o, :units] = of.wout_ON[o]
    for sums in (room.d_w, room.d_v, room.d_wout):
        sums[:] = 0
    room.moved[:] = 0


@compiled
def _backward(
    net: PackedNetwork,
    room: _Room,
    u: Any,
    xs: Any,
    rs: Any,
    error: Any,
    into_rate: Any,
) -> None:
    """Adds the gradients of some trials, the last step first.

    ``into_rate``: what a penalty on rates adds to dL/dr, for each unit of rate.
    """
    steps, trials, outputs = error.shape
    back, back_out, d_w, d_v = room.back, room.back_out, room.d_w, room.d_v
    d_wout, moved, a, slope, code = room.d_wout, room.moved, net.a, net.slope, net.code
    units, row, block = back.shape[0], rs.shape[2], a.shape[0]
    size, together = trials * row, max(1, TOGETHER // trials)
    qs, work = part(room.qs, together, trials, row), part(room.work, 4, trials, row)
    flat, into, g = work.reshape((4, size)), work[0], work[1]
    work[:] = 0
    qs[:] = 0
    # q of the step after: at first any of them, all 0
    before = qs[0]
    for t in range(steps - 1, -1, -1):
        r_after, q = rs[t + 1].reshape(size), qs[t % together]
        for i in range(size):
            flat[0, i] = into_rate * r_after[i]
        multiply(into, before, back, trials, units)
        multiply(into, error[t], back_out, trials, outputs)
        slopes(code, r_after, flat[2])
        for k in range(0, size, block):
            m = min(block, size - k)
            _back_a_step(
                a[:m], slope[:m], flat[2, k : k + m], flat[0, k : k + m],
                flat[3, k : k + m], q.reshape(size)[k : k + m], flat[1, k : k + m],
            )  # fmt: skip
        before = q
        if xs.shape[0] > steps:
            for b in range(trials):
                for i in range(row):
                    moved[i] += g[b, i] * (xs[t + 1, b, i] - xs[t, b, i])
        if t % together == 0:
            _add_products(
                t, min(t + together, steps), u, rs, qs, error, d_w, d_v, d_wout
            )


@compiled
def _add_products(
    first: int, last: int, u: Any, rs: Any, qs: Any, error: Any, d_w: Any, d_v: Any,
    d_wout: Any,
) -> None:  # fmt: skip
    """Gradients of the weights from the steps first .. last - 1, all their trials."""
    trials, row = rs.shape[1:]
    many = (last - first) * trials
    q = qs.reshape((qs.shape[0] * trials, row))
    r = rs[first:last].reshape((many, row))
    multiply_transposed(d_w, r, 0, q, d_w.shape[0], many)
    v = u[first:last].reshape((many, u.shape[2]))
    multiply_transposed(d_v, v, 0, q, d_v.shape[0], many)
    r_after = rs[first + 1 : last + 1].reshape((many, row))
    e = error[first:last].reshape((many, error.shape[2]))
    multiply_transposed(d_wout, e, 0, r_after, d_wout.shape[0], many)


@compiled
def _end(of: Given, room: _Room, made: _Made, l1: Any, twice_l2: Any) -> None:
    """Gradients in the shapes of the tensors, with those of the penalties on W."""
    units, inputs = made.win_NI.shape
    for i in range(units):
        for j in range(units):
            w = of.w_NN[i, j]
            made.w_NN[i, j] = room.d_w[j, i] + twice_l2 * w + l1 * np.sign(w)
        for c in range(inputs):
            made.win_NI[i, c] = room.d_v[c, i]
        made.bias_N[i] = room.d_v[inputs, i]
        made.tau_N[i] = -room.moved[i] / of.tau_N[i]
    for o in range(made.wout_ON.shape[0]):
        made.wout_ON[o] = room.d_wout[o, :units]


@compiled
def _one_network(
    net: PackedNetwork, of: Given, batch: _Batch, currents: Currents, room: _Room,
    made: _Made, dt_s: Any, l1: Any, twice_l2: Any, into_rate: Any, some: int,
    keep: bool,
) -> None:  # fmt: skip
    """Outputs and gradients of one network, some trials after the other."""
    _begin(net, of, room, dt_s)
    each = np.float32(2.0 / np.sum(batch.mask_BTO))
    trials, steps, inputs = batch.input_BTI.shape
    outputs, row = batch.target_BTO.shape[2], room.back.shape[1]
    for first in range(0, trials, some):
        now = slice(first, min(first + some, trials))
        m = now.stop - first
        u = part(room.u, steps, m, inputs + 1)
        xs = part(room.xs, steps + 1 if keep else 2, m, row)
        rs = part(room.rs, steps + 1, m, row)
        output, error = (
            part(room.output, steps, m, outputs),
            part(room.error, steps, m, outputs),
        )
        with_one(batch.input_BTI[now], u)
        total = part(room.work, 1, m, row)[0]
        run(net, currents, first, u, batch.x0_BN[now], xs, rs, total, output)
        _loss_error(output, batch.target_BTO[now], batch.mask_BTO[now], each, error)
        _backward(net, room, u, xs, rs, error, into_rate)
        by_trial(output, made.output_BTO[now])
    _end(of, room, made, l1, twice_l2)


def loss_gradients(
    params: Params, episode: Any, cell: Cell, penalties: Any, taus: bool
) -> tuple[Tensor, Gradients]:
    """``rules.bptt.loss_gradients`` of P networks; ``taus``: dL/dtau too, else 0."""
    trials, steps, inputs = episode.input_PBTI.shape[1:]
    units, outputs = params.w_PNN.shape[1], episode.target_PBTO.shape[3]
    net, room, some = _room(
        get_ident(), trials, steps, units, inputs, outputs, cell, taus
    )  # fmt: skip
    output = torch.empty(*episode.target_PBTO.shape)
    wout = params.wout_PON
    leaves = (params.w_PNN, params.win_PNI, wout, params.bias_PN, params.tau_PN)
    made = [None if leaf is None else torch.empty_like(leaf) for leaf in leaves]
    seen = (
        episode.input_PBTI, episode.target_PBTO, episode.mask_PBTO, episode.x0_PBN
    )  # fmt: skip
    strengths = (strength_P.tolist() for strength_P in penalties)
    for p, (l1, l2, rate) in enumerate(zip(*strengths, strict=True)):
        noise = None if episode.noise_PBTN is None else episode.noise_PBTN[p]
        impulses = None if episode.impulses is None else episode.impulses[p]
        views = [NO_READOUT if leaf is None else leaf[p].numpy() for leaf in made]
        _one_network(
            net, given(params, p), _Batch(*(array(leaf, p) for leaf in seen)),
            currents_of(impulses, noise), room, _Made(output[p].numpy(), *views),
            np.float32(cell.dt_s), np.float32(l1), np.float32(2 * l2),
            np.float32(2 * rate / (trials * steps * units)), some, taus,
        )  # fmt: skip
    return output, Gradients(*made)  # type: ignore[arg-type]
