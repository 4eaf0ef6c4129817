"""One network and what it meets, laid out for the kernels: transposed and padded.

N units, I inputs, O outputs, B trials, T steps; rows of units are whole cache lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from popnet.core.cell import Cell, Params
from popnet.core.impulses import ImpulseList
from popnet.kernels.compiling import compiled
from popnet.kernels.rates import CODES
from popnet.kernels.tiles import aligned, padded

Floats = NDArray[np.float32]
NOTHING = np.zeros((0, 0, 0), np.float32)
NO_READOUT = np.zeros((0, 0), np.float32)
AT_ONCE = 2048
"""Numbers that a loop over units takes at once: several rows of a small network, as
short loops cost more to enter than to run, and no more than the L1 cache holds."""


class PackedNetwork(NamedTuple):
    """One network, transposed and padded."""

    recurrent: Floats
    """W' [N, N]"""
    external: Floats
    """V' [I + 1, N]: input weights, and the bias as the weight of a constant 1."""
    readout: Floats
    """W_out [O, N]; of an output unit 0."""
    unit: int
    """The output unit, or -1."""
    a: Floats
    """dt / tau, 0 where a unit is clamped and in the padding; like the next two it
    repeats for several trials."""
    slope: Floats
    threshold: Floats
    clamped: NDArray[np.int64]
    values: Floats
    """The constant x of the clamped units."""
    code: int


class Currents(NamedTuple):
    """What arrives besides the inputs: impulses in order of their steps, and noise."""

    step: NDArray[np.int64]
    trial: NDArray[np.int64]
    unit: NDArray[np.int64]
    size: Floats
    noise: Floats
    """[B, T, N], or nothing."""


def room_for(units: int, inputs: int, outputs: int, cell: Cell) -> PackedNetwork:
    """A network of these sizes, its numbers still to be filled in."""
    assert cell.form == "current", "no kernel runs the rate form, see ``kernels.fast``"
    row = padded(units)
    many = aligned(3, max(1, AT_ONCE // row) * row)
    places = np.array([k for k, _ in cell.clamped], dtype=np.int64)
    values = np.array([value for _, value in cell.clamped], dtype=np.float32)
    return PackedNetwork(
        aligned(units, row), aligned(inputs + 1, row), aligned(outputs, row),
        -1 if cell.output_unit is None else cell.output_unit,
        many[0], many[1], many[2], places, values, CODES[cell.nonlinearity],
    )  # fmt: skip


class Given(NamedTuple):
    """One network of a population as its tensors have it."""

    w_NN: Floats
    win_NI: Floats
    wout_ON: Floats
    """Of an output unit: no rows."""
    bias_N: Floats
    tau_N: Floats
    slope_N: Floats
    threshold_N: Floats


def given(params: Params, p: int) -> Given:
    """Network ``p`` of a population, without copying."""
    wout = params.wout_PON
    return Given(
        array(params.w_PNN, p), array(params.win_PNI, p),
        NO_READOUT if wout is None else array(wout, p), array(params.bias_PN, p),
        array(params.tau_PN, p), array(params.slope_PN, p),
        array(params.threshold_PN, p),
    )  # fmt: skip


def array(leaf: Tensor, p: int | slice) -> NDArray[Any]:
    """A tensor of network ``p``, copied only where it is not contiguous."""
    return leaf[p].contiguous().numpy()


@compiled
def fill(net: PackedNetwork, of: Given, dt_s: Any) -> None:
    """Put a network into the room made for it."""
    units, row = of.w_NN.shape[0], net.recurrent.shape[1]
    for i in range(units):
        for j in range(units):
            net.recurrent[j, i] = of.w_NN[i, j]
        net.recurrent[i, units:] = 0  # a network that learned may have left NaN
        for c in range(of.win_NI.shape[1]):
            net.external[c, i] = of.win_NI[i, c]
        net.external[of.win_NI.shape[1], i] = of.bias_N[i]
    for o in range(of.wout_ON.shape[0]):
        net.readout[o, :units] = of.wout_ON[o]
    for first in range(0, net.a.shape[0], row):
        for i in range(units):
            net.a[first + i] = dt_s / of.tau_N[i]
            net.slope[first + i] = of.slope_N[i]
            net.threshold[first + i] = of.threshold_N[i]
        for k in range(net.clamped.shape[0]):
            net.a[first + net.clamped[k]] = 0


def in_turn(
    impulses: Sequence[ImpulseList] | None, noise_BTN: Tensor | None
) -> Currents:
    """Impulses of B trials as one list, trial by trial."""
    noise = NOTHING if noise_BTN is None else noise_BTN.contiguous().numpy()
    if not impulses:
        none = np.zeros(0, np.int64)
        return Currents(none, none, none, np.zeros(0, np.float32), noise)
    columns = zip(*impulses, strict=True)
    step, unit, size = (np.concatenate(column) for column in columns)
    trial = np.repeat(np.arange(len(impulses)), [len(one.step) for one in impulses])
    return Currents(step, trial, unit, size.astype(np.float32), noise)


def currents_of(
    impulses: Sequence[ImpulseList] | None, noise_BTN: Tensor | None
) -> Currents:
    """Impulses of B trials as one list, in order of their steps."""
    step, trial, unit, size, noise = in_turn(impulses, noise_BTN)
    order = np.argsort(step, kind="stable")
    return Currents(step[order], trial[order], unit[order], size[order], noise)
