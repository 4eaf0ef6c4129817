"""Node perturbation follows the gradient: its mean over draws of the impulses."""

import numpy as np
import torch

from popnet.core.cell import Cell, Params
from popnet.core.rollout import drive, outputs
from popnet.core.scoring import decision, mean_error
from popnet.rules import RULES, Episode
from popnet.rules.reward_hebbian import RewardHebbian, State

F64 = torch.float64
N, T, DRAWS, AMPLITUDE = 4, 12, 40_000, 0.05
CELL = Cell(0.001, "tanh", (), 0)
SCORED = 5
SETTINGS = RewardHebbian(trace="node_perturbation", skip_s=0.0)
SIZES = {
    "learning_rate": 1.0, "max_update": torch.inf, "baseline_decay": 0.0,
    "state_decay_per_ms": 0.0, "error_factor": 0.0, "wait_trials": 0.0,
}  # fmt: skip


def network(g):
    """Error falls where the output rises: no |output - target| changes its sign."""

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=F64)

    params = Params(
        1.3 / N**0.5 * normal(1, N, N), normal(1, N, 1), None, 0.1 * normal(1, N),
        0.003 + 0.01 * torch.rand(1, N, generator=g, dtype=F64),
        1 + 0.2 * normal(1, N), 0.1 * normal(1, N), None, None,
    )  # fmt: skip
    return params, normal(1, 1, T, 1), 0.5 * normal(1, 1, N)


def error(params, given, start, target, mask):
    made = outputs(params, CELL, drive(params, given, None), start)
    return mean_error(made, target, mask)


def test_its_mean_is_the_slope_of_the_error():
    """E[-(m - m_0) sum_t r(t-1) p(t)] = -var(p) dm/dW, to first order in p.

    Each draw is a network of its own, all alike; 4 standard errors of the mean.
    """
    g = torch.Generator().manual_seed(8)
    params, given, start = network(g)
    target = torch.full((1, 1, T, 1), 1.5, dtype=F64)
    mask = (torch.arange(T) >= T - SCORED)[None, None, :, None]
    undisturbed = float(error(params, given, start, target, mask))
    impulses = AMPLITUDE * (2 * torch.rand(DRAWS, 1, T, N, generator=g, dtype=F64) - 1)

    def many(leaf):
        return leaf.expand(DRAWS, *leaf.shape[1:])

    crowd = Params(*(None if leaf is None else many(leaf) for leaf in params))
    episode = Episode(
        many(given), many(target), many(mask), torch.zeros(DRAWS, 1, dtype=torch.int64),
        torch.zeros(DRAWS, dtype=torch.int64), many(start), None, impulses,
    )  # fmt: skip
    before = State(
        torch.full((DRAWS, 1), undisturbed, dtype=F64), torch.zeros(DRAWS, N, dtype=F64)
    )
    hyper = {k: torch.full((DRAWS,), v, dtype=F64) for k, v in SIZES.items()}
    after, _, _ = RULES["reward_hebbian"].step(
        crowd, before, episode, SETTINGS, hyper, CELL, decision
    )
    change_PNN = (after.w_PNN - params.w_PNN) / (AMPLITUDE**2 / 3)
    mean_NN = change_PNN.mean(0).numpy()
    error_NN = change_PNN.std(0).numpy() / np.sqrt(DRAWS)
    slope_NN = np.zeros((N, N))
    for i in range(N):
        for j in range(N):
            sides = []
            for step in (1e-5, -1e-5):
                w_PNN = params.w_PNN.clone()
                w_PNN[0, i, j] += step
                moved = params._replace(w_PNN=w_PNN)
                sides.append(float(error(moved, given, start, target, mask)))
            slope_NN[i, j] = (sides[0] - sides[1]) / 2e-5
    assert (np.abs(mean_NN + slope_NN) < 4 * error_NN).all()
    # and the slopes are well above that: their sign and size are what was tested
    assert np.abs(slope_NN).max() > 20 * error_NN.max()
    assert np.corrcoef(mean_NN.ravel(), -slope_NN.ravel())[0, 1] > 0.99
