"""Small networks with nothing at its neutral value, and trials for them."""

import numpy as np
import pytest
import torch

from popnet.core.cell import Cell, Params
from popnet.core.impulses import ImpulseList
from popnet.rules import Episode
from popnet.rules._candidates import CandidateWeights

F64 = torch.float64
P, B, T, N, I, O = 2, 3, 9, 5, 2, 2  # noqa: E741


@pytest.fixture
def searched():
    """(Params, Episode, Cell) in float64: masks, signs, feedback, noise, impulses."""
    g = torch.Generator().manual_seed(5)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=F64)

    sign = torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0], dtype=F64).expand(P, N)
    mask = (torch.rand(P, N, N, generator=g) < 0.8).double()
    params = Params(
        normal(P, N, N).abs() * sign[:, None] * mask, normal(P, N, I),
        0.4 * normal(P, O, N), 0.1 * normal(P, N),
        0.003 + 0.01 * torch.rand(P, N, generator=g, dtype=F64),
        1 + 0.2 * normal(P, N), 0.1 * normal(P, N), mask, sign, 0.5 * normal(P, N, O),
    )  # fmt: skip
    impulse = ImpulseList(np.array([0, 4]), np.array([3, 1]), np.array([5.0, -6.0]))
    scored = torch.rand(P, B, T, O, generator=g) < 0.6
    episode = Episode(
        normal(P, B, T, I), normal(P, B, T, O).sign(), scored,
        torch.zeros(P, B, dtype=torch.int64), torch.zeros(P, dtype=torch.int64),
        0.3 * normal(P, B, N), 0.2 * normal(P, B, T, N), [[impulse] * B] * P,
    )  # fmt: skip
    return params, episode, Cell(0.001, "tanh", ((2, 0.5),), None)


@pytest.fixture
def normal_weights():
    """Standard normal numbers for changes of those networks' weights."""

    def make(count, seed=0):
        g = torch.Generator().manual_seed(seed)
        shapes = ((N, N), (N, I), (O, N))
        return CandidateWeights(
            *(torch.randn(P, count, *s, generator=g, dtype=F64) for s in shapes)
        )

    return make


def as_drawn(normal):
    """What ``Episode.drawn`` holds of such numbers."""
    return {"w": normal.w_PCNN, "win": normal.win_PCNI, "wout": normal.wout_PCON}


@pytest.fixture
def drawn():
    return as_drawn
