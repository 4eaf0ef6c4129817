"""One trial of FORCE learning, one network at a time, compiled.

The same mathematics as ``rules.force``: the network in float32, least squares in
float64.  Beside the network that learns runs the one that it was before the trial: what
is scored.  Both share one pass over W.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popnet.core.cell import Cell, Params
from popnet.core.scoring import Score
from popnet.core.time_steps import Updates
from popnet.kernels.compiling import compiled
from popnet.kernels.least_squares import ReadoutFit, fit_of, fold, mirror, take_sample
from popnet.kernels.rates import CODES, rates
from popnet.kernels.tiles import aligned, multiply, padded

Floats = NDArray[np.float32]


class _Network(NamedTuple):
    """Padded, transposed; rows of x, r and total: learning, and as it was before."""

    weights: Floats
    """W' and behind it W_out' twice, of the learning network and of the other."""
    external: Floats
    """W_in' and the bias."""
    feedback: Floats
    """W_fb'"""
    units: Floats
    """dt / tau, slope and threshold, each for both rows; dt / tau is 0 where a unit is
    clamped and in the padding."""
    code: int
    x: Floats
    r: Floats
    total: Floats
    """[2, N + 2 O]: W r and, behind it, outputs."""
    drive: Floats
    z: Floats
    """Outputs, [2, O]."""


@compiled
def _external(net: _Network, u: Any, noise: Any, t: int) -> None:
    """drive = W_in u(t) + b + c(t)."""
    inputs = u.shape[1]
    net.drive[:] = net.external[inputs]
    for k in range(inputs):
        if u[t, k] != 0:
            for i in range(net.drive.shape[0]):
                net.drive[i] += u[t, k] * net.external[k, i]
    if noise.shape[0] > 0:
        for i in range(noise.shape[1]):
            net.drive[i] += noise[t, i]


@compiled
def _rates(net: _Network, n: int) -> None:
    """r = phi(x), then W r and z of both rows."""
    size = net.x.size
    rates(
        net.code, net.x.reshape(size), net.units[1], net.units[2], net.r.reshape(size)
    )
    net.total[:] = 0
    multiply(net.total, net.r, net.weights, 2, n)
    outputs = net.z.shape[1]
    for row in range(2):
        for o in range(outputs):
            net.z[row, o] = net.total[row, n + row * outputs + o]


@compiled
def _move(net: _Network) -> None:
    """x += (dt / tau) (-x + W r + W_fb z + drive)."""
    for row in range(2):
        total, x, a = net.total[row], net.x[row], net.units[0]
        for i in range(x.shape[0]):
            total[i] += net.drive[i]
        for o in range(net.z.shape[1]):
            for i in range(x.shape[0]):
                total[i] += net.z[row, o] * net.feedback[o, i]
        for i in range(x.shape[0]):
            x[i] += a[i] * (total[i] - x[i])


@compiled
def _learn(
    net: _Network, fit: ReadoutFit, held: int, target: Any, scored: Any, n: int,
    root: Any,
) -> None:  # fmt: skip
    """One update: w, P and the output with the new w.

    The sample counts as root^2 samples.
    """
    for i in range(n):
        fit.r[i] = root * net.r[0, i]
    rpr, gain = take_sample(fit, held)
    for o in range(target.shape[0]):
        if scored[o]:
            step = gain * (root * (np.float64(net.z[0, o]) - target[o]))
            w, column = fit.w[o], net.weights[:, n + o]
            for i in range(w.shape[0]):
                w[i] -= step * fit.pr[i]
            for i in range(n):
                column[i] = w[i]
            net.z[0, o] -= step * (rpr / root)


@compiled
def _trial(
    net: _Network, fit: ReadoutFit, u: Any, noise: Any, target: Any, mask: Any,
    every: int, root: Any, output: Any,
) -> None:  # fmt: skip
    """A trial, from the x in ``net``; ``output``: of the network as it was before."""
    n, outputs = net.weights.shape[0], net.z.shape[1]
    for i in range(n):
        for o in range(outputs):
            net.weights[i, n + o] = fit.w[o, i]
            net.weights[i, n + outputs + o] = fit.w[o, i]
    held = 0
    _rates(net, n)
    for t in range(u.shape[0]):
        _external(net, u, noise, t)
        _move(net)
        _rates(net, n)
        output[t] = net.z[1]
        if (t + 1) % every == 0 and mask[t].any():
            _learn(net, fit, held, target[t], mask[t], n, root)
            held += 1
            if held == fit.q.shape[0]:
                fold(fit.p, fit.q)
                held = 0
    fold(fit.p, fit.q)
    for o in range(outputs):
        for i in range(n):
            # what a network keeps between trials
            fit.w[o, i] = np.float32(fit.w[o, i])


NOTHING = np.zeros((0, 0), np.float32)


def _network(params: Params, cell: Cell, p: int) -> _Network:
    n, inputs = params.win_PNI.shape[1:]
    assert params.wout_PON is not None
    outputs, row = params.wout_PON.shape[1], padded(n)
    weights = aligned(n, padded(n + 2 * outputs))
    external, feedback = aligned(inputs + 1, row), aligned(outputs, row)
    weights[:, :n] = params.w_PNN[p].numpy().T
    external[:-1, :n] = params.win_PNI[p].numpy().T
    external[-1, :n] = params.bias_PN[p].numpy()
    if params.wfb_PNO is not None:
        feedback[:, :n] = params.wfb_PNO[p].numpy().T
    units = aligned(3, 2, row)
    units[0, :, :n] = np.float32(cell.dt_s) / params.tau_PN[p].numpy()
    units[1, :, :n] = params.slope_PN[p].numpy()
    units[2, :, :n] = params.threshold_PN[p].numpy()
    units[0][:, [unit for unit, _ in cell.clamped]] = 0
    return _Network(
        weights, external, feedback, units.reshape(3, -1), CODES[cell.nonlinearity],
        aligned(2, row), aligned(2, row), aligned(2, weights.shape[1]), aligned(row),
        aligned(2, outputs),
    )  # fmt: skip


def learn_by_least_squares(
    params: Params,
    p_PNN: Tensor,
    episode: Any,
    every: Updates,
    cell: Cell,
    score: Score,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """``rules.force.step`` of P networks, B trials each in turn.

    Returns readouts, inverse correlations, errors and whether correct.
    """
    made = [
        _learn_one(params, p_PNN[p], episode, every, cell, score, p)
        for p in range(len(params.w_PNN))
    ]
    wout, p_new, error, correct = (
        torch.stack(column) for column in zip(*made, strict=True)
    )
    return wout, p_new, error, correct


def _learn_one(
    params: Params, p_NN: Tensor, episode: Any, every: Updates, cell: Cell,
    score: Score, p: int,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """The trials of one network."""
    assert params.wout_PON is not None
    net = _network(params, cell, p)
    fit = fit_of(params.wout_PON[p].numpy(), p_NN.numpy())
    given = (episode.input_PBTI, episode.target_PBTO, episode.mask_PBTO)
    inputs, targets, masks = (one[p].contiguous() for one in given)
    n, errors, corrects = p_NN.shape[0], [], []
    for b, x0_N in enumerate(episode.x0_PBN[p]):
        noise = NOTHING
        if episode.noise_PBTN is not None:
            noise = episode.noise_PBTN[p, b].contiguous().numpy()
        net.x[:, :n] = x0_N.numpy()
        for unit, value in cell.clamped:
            net.x[:, unit] = value
        target, mask = targets[b], masks[b]
        output = torch.empty_like(target)
        _trial(
            net, fit, inputs[b].numpy(), noise, target.numpy(), mask.numpy(),
            every.steps, every.weight**0.5, output.numpy(),
        )  # fmt: skip
        scores = score(output[None, None], target[None, None], mask[None, None])
        errors.append(scores.error_PB[0, 0])
        corrects.append(scores.correct_PB[0, 0])
    mirror(fit.p)
    return (
        torch.from_numpy(fit.w[:, :n]).float(), torch.from_numpy(fit.p[:n, :n]),
        torch.stack(errors), torch.stack(corrects),
    )  # fmt: skip
