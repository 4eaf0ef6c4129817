"""Draws the untrained networks of a population, each from its own streams."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from popnet.config import Network, TaskSettings
from popnet.core.cell import Cell, Params, stack
from popnet.core.constraints import project
from popnet.core.laws import draw_spread
from popnet.seeding import Seed

Array = NDArray[np.float64]


def cell_of(net: Network) -> Cell:
    """What networks with these settings share."""
    unit = net.readout.unit if net.readout.kind == "unit" else None
    clamped = tuple(sorted(net.clamped.items()))
    return Cell(net.dt_s, net.nonlinearity, clamped, unit, net.form)


def draw(
    nets: Sequence[Network], tasks: Sequence[TaskSettings], seeds: Sequence[Seed]
) -> Params:
    """Untrained networks: P settings, P tasks (for I and O) and P seeds.

    W ~ law with sd g / sqrt(N density), or g times an orthogonal matrix; W_in, W_out
    and W_fb after ``Network``; the row of W_in of an output unit is 0 (Miconi 2017,
    published code).
    """
    return stack(
        [_draw_one(n, t, s) for n, t, s in zip(nets, tasks, seeds, strict=True)]
    )


def _draw_one(net: Network, task: TaskSettings, seed: Seed) -> Params:
    dtype = getattr(torch, net.dtype)

    def tensor(array: Array | None) -> torch.Tensor | None:
        return None if array is None else torch.from_numpy(array).to(dtype)[None]

    mask = _mask(net, seed)
    values = {
        "w_PNN": _recurrent(net, seed),
        "win_PNI": _input(net, task.inputs, seed),
        "wout_PON": _readout(net, task.outputs, seed),
        "bias_PN": draw_spread(net.bias, _uniform(net, seed, "bias")),
        "tau_PN": time_constants(net, _uniform(net, seed, "tau")),
        "slope_PN": draw_spread(net.slope, _uniform(net, seed, "slope")),
        "threshold_PN": draw_spread(net.threshold, _uniform(net, seed, "threshold")),
        "mask_PNN": mask,
        "sign_PN": _signs(net, seed),
        "wfb_PNO": _feedback(net, task.outputs, seed),
    }
    params = Params(**{name: tensor(array) for name, array in values.items()})  # type: ignore[arg-type]
    sign = params.sign_PN
    if sign is not None:
        params = params._replace(w_PNN=params.w_PNN.abs() * sign[:, None, :])
    return project(params)


def _recurrent(net: Network, seed: Seed) -> Array:
    random = seed.stream("weights/recurrent")
    shape = (net.units, net.units)
    if net.weights == "orthogonal":
        return net.gain * orthogonal(random.standard_normal(shape))
    if net.weights == "normal":
        unit = random.standard_normal(shape)
    else:
        unit = np.sqrt(3.0) * random.uniform(-1, 1, shape)
    return net.gain / np.sqrt(net.units * net.density) * unit


def orthogonal(normal_NN: Array) -> Array:
    """A matrix drawn evenly from all orthogonal ones, of numbers drawn from N(0, 1).

    Q = D H_1 ... H_(N-1), where H_k reflects the vector of the last N - k + 1 numbers
    of row k onto its first axis and D has the signs of their first ones.
    Stewart, SIAM J Numer Anal 1980;17:403.
    """
    units = len(normal_NN)
    q_NN, sign_N = np.eye(units), np.ones(units)
    for k in range(units - 1, -1, -1):
        mirror = normal_NN[k, k:].copy()
        sign_N[k] = 1.0 if mirror[0] >= 0 else -1.0
        mirror[0] += sign_N[k] * np.sqrt((mirror**2).sum())
        # sums of numpy's own: a library's product would depend on its threads
        along = (mirror[:, None] * q_NN[k:, k:]).sum(0)
        q_NN[k:, k:] -= (2 / (mirror**2).sum()) * np.outer(mirror, along)
    return -sign_N[:, None] * q_NN


def _input(net: Network, inputs: int, seed: Seed) -> Array:
    random = seed.stream("weights/input")
    # drawn channel by channel, so that a network keeps its first channels when a task
    # with more of them is chosen
    shape = (inputs, net.units)
    if net.input_law == "normal":
        weights = random.standard_normal(shape)
    else:
        weights = random.uniform(-1, 1, shape)
    scale = net.input_scale
    if net.input_law == "kaiming_uniform":
        scale /= np.sqrt(inputs)
    weights_NI = scale * weights.T
    if net.readout.kind == "unit":
        weights_NI[net.readout.unit] = 0
    return weights_NI


def _readout(net: Network, outputs: int, seed: Seed) -> Array | None:
    if net.readout.kind == "unit":
        return None
    random = seed.stream("weights/readout")
    shape = (outputs, net.units)
    if net.readout.law == "normal":
        unit = random.standard_normal(shape)
    else:
        unit = random.uniform(-1, 1, shape)
    return net.readout.scale / np.sqrt(net.units) * unit


def _feedback(net: Network, outputs: int, seed: Seed) -> Array | None:
    if net.feedback == 0:
        return None
    # output by output, as the input's channels
    random = seed.stream("weights/feedback")
    return net.feedback * random.uniform(-1, 1, (outputs, net.units)).T


def _uniform(net: Network, seed: Seed, parameter: str) -> Array:
    return seed.stream(f"intrinsic/{parameter}").uniform(size=net.units)


def time_constants(net: Network, u_N: Array) -> Array:
    """Time constants in seconds at the uniform numbers ``u_N``, the output unit's as
    ``net.output_tau`` says."""
    tau_N = draw_spread(net.tau_s, u_N, low=2 * net.dt_s)
    if net.readout.kind == "unit" and net.output_tau == "mean":
        tau_N[net.readout.unit] = net.tau_s.mean
    return tau_N


def _mask(net: Network, seed: Seed) -> Array | None:
    if net.density >= 1 and net.autapses:
        return None
    u = seed.stream("weights/mask").uniform(size=(net.units, net.units))
    mask = (u < net.density).astype(np.float64)
    if not net.autapses:
        np.fill_diagonal(mask, 0)
    return mask


def _signs(net: Network, seed: Seed) -> Array | None:
    if net.dale is None:
        return None
    u = seed.stream("weights/sign").permutation(net.units)
    return np.where(u < round(net.dale.excitatory * net.units), 1.0, -1.0)
