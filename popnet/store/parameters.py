"""Conversion between a network's parameters and the arrays of a weights file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray

from popnet.core.cell import Params

TENSOR_NAMES = {
    "w_PNN": "recurrent",
    "win_PNI": "input",
    "wout_PON": "readout",
    "bias_PN": "bias",
    "tau_PN": "tau_s",
    "slope_PN": "slope",
    "threshold_PN": "threshold",
    "mask_PNN": "mask",
    "sign_PN": "sign",
    "wfb_PNO": "feedback",
}


def stage_of(arrays: Mapping[str, NDArray[Any]], stage: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of one stage, ``initial`` or ``final``, by name."""
    prefix = f"{stage}."
    return {n[len(prefix) :]: a for n, a in arrays.items() if n.startswith(prefix)}


def tensors_of(params: Params) -> dict[str, NDArray[Any]]:
    """Return one network's arrays by name; ``params`` has P = 1, the arrays no P."""
    values = {name: getattr(params, leaf) for leaf, name in TENSOR_NAMES.items()}
    return {n: v[0].cpu().numpy() for n, v in values.items() if v is not None}


def params_of(arrays: Mapping[str, NDArray[Any]]) -> Params:
    """Return parameters with P = 1 from one network's recorded arrays."""
    values = {leaf: arrays.get(name) for leaf, name in TENSOR_NAMES.items()}
    return Params(
        **{
            leaf: None if array is None else torch.from_numpy(array.copy())[None]
            for leaf, array in values.items()
        }  # type: ignore[arg-type]
    )
