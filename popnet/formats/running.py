"""Runs networks of other programs on common inputs.

B trials, T steps, I inputs, N units, O outputs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from popnet.config import ConfigError
from popnet.core.cell import Cell, Params
from popnet.core.rollout import drive, readout, rollout
from popnet.formats.statements import ASSUMED_NONLINEARITY, Statements
from popnet.formats.weights import WeightArrays
from popnet.kernels import reproducible

Array = NDArray[np.float64]


class DrivenActivity(NamedTuple):
    """What a network did on the common inputs."""

    rates_BTN: NDArray[np.float32]
    output_BTO: NDArray[np.float32] | None


def run_on(
    weights: WeightArrays, stated: Statements, input_BTI: Array, path: Path
) -> DrivenActivity:
    """Run one network from its initial state, without noise, in float64.

    x' = x + (dt / tau) (-x + W r + W_in u + b), z = W_out r + b_out, the equations of
    ``core.cell``.  Raises ConfigError when its inputs are not those given.
    """
    assert weights.input is not None
    channels = weights.input.shape[1]
    if input_BTI.shape[2] != channels:
        raise ConfigError(
            f"{path}: has {channels} inputs, {stated.inputs} has {input_BTI.shape[2]}."
        )
    params, cell = _params(weights, stated, path)
    units = len(weights.recurrent)
    state_N = np.zeros(units) if weights.state is None else weights.state
    x0_PBN = _tensor(np.broadcast_to(state_N, (len(input_BTI), units)))
    with torch.no_grad(), reproducible():
        driven = drive(params, _tensor(input_BTI), None)
        r_PBTN = rollout(params, cell, driven, x0_PBN).r_PBSN[:, :, 1:]
        made = None
        if params.wout_PON is not None or cell.output_unit is not None:
            made = readout(params, cell, r_PBTN)[0].numpy()
    of_one_unit = cell.output_unit is not None
    if made is not None and weights.readout_bias is not None and not of_one_unit:
        made = made + weights.readout_bias
    output_BTO = None if made is None else made.astype(np.float32)
    return DrivenActivity(r_PBTN[0].numpy().astype(np.float32), output_BTO)


def _params(
    weights: WeightArrays, stated: Statements, path: Path
) -> tuple[Params, Cell]:
    units = len(weights.recurrent)
    tau_s = weights.tau_s
    if tau_s is None and stated.tau_s is None:
        raise ConfigError(
            f"{path}: holds no tau_s; state it in compare.yaml (tau_s: dt_s for a "
            "discrete network)."
        )
    assert stated.dt_s is not None
    tau_N = np.full(units, stated.tau_s) if tau_s is None else tau_s
    if not (tau_N >= stated.dt_s * (1 - 1e-9)).all():
        raise ConfigError(
            f"{path}: its time constants go down to {tau_N.min():g} s, below the step "
            f"dt_s = {stated.dt_s:g} s."
        )
    bias_N = np.zeros(units)
    for part in (weights.bias, weights.input_bias):
        bias_N = bias_N if part is None else bias_N + part

    def leaf(array: Array | None, default: float | None = None) -> Any:
        if array is None:
            return None if default is None else _tensor(np.full(units, default))
        return _tensor(array)

    params = Params(
        w_PNN=leaf(weights.recurrent), win_PNI=leaf(weights.input),
        wout_PON=leaf(weights.readout), bias_PN=leaf(bias_N), tau_PN=leaf(tau_N),
        slope_PN=leaf(weights.slope, 1.0),
        threshold_PN=leaf(weights.threshold, 0.0),
        mask_PNN=None, sign_PN=None, wfb_PNO=leaf(weights.feedback),
    )  # fmt: skip
    phi = stated.nonlinearity or ASSUMED_NONLINEARITY
    held = tuple(stated.clamped.items())
    return params, Cell(stated.dt_s, phi, held, stated.output_unit, stated.form)


def _tensor(array: Array) -> Tensor:
    return torch.from_numpy(np.array(array, dtype=np.float64))[None]
