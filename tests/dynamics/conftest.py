"""Networks planted so that their attractors are known."""

import numpy as np
import pytest
import torch

from popnet.core.cell import Cell, Params
from popnet.dynamics.starts import Visited


def planted(w_NN, win_N=None, tau_N=None, dt_s=0.01, form="current", clamped=()):
    """(Params, Cell) of one network without bias; tau is 0.1 s unless it is given."""
    w_PNN = torch.from_numpy(np.array(w_NN, dtype=np.float64))[None]
    n = w_PNN.shape[1]
    one_PN = torch.ones(1, n, dtype=torch.float64)
    win = np.zeros(n) if win_N is None else np.array(win_N, dtype=np.float64)
    tau = 0.1 * np.ones(n) if tau_N is None else np.array(tau_N)
    params = Params(
        w_PNN, torch.from_numpy(win)[None, :, None], None, 0 * one_PN,
        torch.from_numpy(tau)[None], one_PN, 0 * one_PN, None, None,
    )  # fmt: skip
    return params, Cell(dt_s, "tanh", clamped, 0, form)


def around(units, seed=0, size=2.0, count=200):
    """States of a task that were never run."""
    x_SN = size * np.random.default_rng(seed).standard_normal((count, units))
    return Visited(x_SN, size * units**0.5)


@pytest.fixture(scope="session")
def plant():
    return planted


@pytest.fixture(scope="session")
def states_around():
    return around
