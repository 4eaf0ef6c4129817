"""The search for fixed points: popnet's, and scipy's one start after the other.

One random network of 64 units and 100 starts; scipy gets no derivative, as in the
published code of McMahan et al. (2021), and then the analytic one, which nobody passes
to it.  And all networks of a usual sweep on all cores, in seconds of wall time.  F
starts, U units.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from side import Made, give, given

UNITS, STARTS, EXACT = 64, 100, 1e-16
NETWORKS, LEVELS, ASKED_S = 50, 11, 60.0
Array = NDArray[np.float64]


def networks(gain: float, count: int = 1, levels: int = 1) -> Any:
    """Random networks at constant inputs, in popnet's form."""
    import torch

    from popnet.core.autonomous import autonomous
    from popnet.core.cell import Cell, Params

    g = torch.Generator().manual_seed(0)
    w_PNN = torch.randn(count, UNITS, UNITS, generator=g, dtype=torch.float64)
    one_PN = torch.ones(count, UNITS, dtype=torch.float64)
    bias_PN = 0.1 * torch.randn(count, UNITS, generator=g, dtype=torch.float64)
    params = Params(
        gain / UNITS**0.5 * w_PNN, one_PN[..., None], None, bias_PN, 0.05 * one_PN,
        one_PN, 0 * one_PN, None, None,
    )  # fmt: skip
    level_L = torch.linspace(-0.2, 0.2, levels, dtype=torch.float64) * (levels > 1)
    input_PLI = level_L[None, :, None].expand(count, -1, -1)
    return autonomous(params, Cell(0.005, "tanh", (), 0), input_PLI)


def starts(count: int = 1, levels: int = 1) -> Any:
    """Where searches begin, [P, L, F, U]."""
    import torch

    g = torch.Generator().manual_seed(1)
    shape = (count, levels, STARTS, UNITS)
    return 3 * torch.randn(shape, generator=g, dtype=torch.float64)


def at_once(folder: Path, gain: float) -> Made:
    """popnet's side."""
    import torch

    from popnet.kernels.roots import solve

    torch.set_num_threads(1)
    network, start = networks(gain), starts()
    give(
        folder, w_UU=network.w_PUU[0].numpy(), c_U=network.drive_PLU[0, 0].numpy(),
        x_FU=start[0, 0].numpy(),
    )  # fmt: skip
    found = solve(network, start)
    x_FU, q_F = found.x_PLFU[0, 0].numpy(), found.residual_PLF[0, 0].numpy()
    return Made(lambda: solve(network, start), STARTS, {"roots": distinct(x_FU, q_F)})


def one_by_one(folder: Path, derivative: bool = False) -> Made:
    """scipy's Levenberg-Marquardt from each start."""
    from scipy.optimize import root

    w_UU, c_U, x_FU = (given(folder)[name] for name in ("w_UU", "c_U", "x_FU"))
    one_UU = np.eye(len(c_U))

    def slope(x: Array) -> Array:
        return w_UU * (1 - np.tanh(x) ** 2) - one_UU

    def search() -> list[Any]:
        return [
            root(
                lambda x: -x + w_UU @ np.tanh(x) + c_U,
                x_U,
                method="lm",
                tol=1e-8,
                jac=slope if derivative else None,
            )
            for x_U in x_FU
        ]

    made = search()
    q_F = np.array([one.fun @ one.fun / 2 for one in made])
    roots_FU = distinct(np.array([one.x for one in made]), q_F)
    return Made(search, STARTS, {"roots": roots_FU})


def distinct(x_FU: Array, q_F: Array) -> Array:
    """The roots among these, each once, in order."""
    kept: list[Array] = []
    for x_U in x_FU[q_F < EXACT]:
        if all(np.linalg.norm(x_U - other) > 1e-3 for other in kept):
            kept.append(x_U)
    return np.array(sorted(kept, key=lambda x_U: tuple(np.round(x_U, 3))))


def sweep_s() -> float:
    """Seconds of wall time for 50 networks, 11 inputs and 100 starts, on all cores."""
    from popnet.kernels.roots import solve

    many, start = networks(1.5, NETWORKS, LEVELS), starts(NETWORKS, LEVELS)
    solve(networks(1.5), starts())  # compiled
    began = time.perf_counter()
    solve(many, start)
    return time.perf_counter() - began


def in_a_new_process() -> float:
    """The same, with as many threads as the machine gives."""
    here = Path(__file__)
    found = subprocess.run(
        [sys.executable, here.name], cwd=here.parent, capture_output=True, text=True,
        check=True, env=dict(os.environ),
    )  # fmt: skip
    return float(json.loads(found.stdout))


if __name__ == "__main__":
    print(json.dumps(sweep_s()))
