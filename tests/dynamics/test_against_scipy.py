"""The same set of fixed points as scipy's, on random and on trained networks."""

import numpy as np
import pytest
import torch
from scipy.optimize import root

import popnet as pn
from popnet.analysis.distinct_points import distinct
from popnet.core.autonomous import autonomous
from popnet.core.cell import pick
from popnet.core.draw import cell_of
from popnet.dynamics.points import APART, points
from popnet.dynamics.starts import starts, visited

STARTS, EXACT = 120, 1e-16


def of_scipy(network, start_FU):
    """The distinct roots to which scipy's lm leads, tested by their residual."""
    w_NN, c_N = network.w_PUU[0].numpy(), network.drive_PLU[0, 0].numpy()
    slope_N, threshold_N = network.slope_PU[0].numpy(), network.threshold_PU[0].numpy()
    one_NN, found = np.eye(len(c_N)), []

    def f(x):
        return -x + w_NN @ np.tanh(slope_N * (x - threshold_N)) + c_N

    def jacobian(x):
        gain = slope_N * (1 - np.tanh(slope_N * (x - threshold_N)) ** 2)
        return w_NN * gain - one_NN

    for x in start_FU.numpy():
        made = root(
            f, x, jac=jacobian, method="lm", options={"xtol": 1e-13, "ftol": 1e-13}
        )
        if made.fun @ made.fun / 2 < EXACT:
            found.append(made.x)
    return np.array(found)


FLIPFLOP = {
    "name": "flipflop",
    "bits": 1,
    "pulse": 0.1,
    "pulse_s": 0.01,
    "trial_s": 0.3,
}
TRAINED = {"untrained": 0, "flipflop": 20_000, "random_dots": 3000}
"""Trials: 10 networks untrained, and 10 of each of two tasks trained."""


def networks(which):
    settings = {"units": 20, "gain": 1.1, "nonlinearity": "tanh", "dt_s": 0.01}
    nets = pn.draw(
        "random_dots" if which == "random_dots" else FLIPFLOP,
        rule={"name": "bptt", "learning_rate": 0.005},
        networks=10, network=settings, seed=5, train={"until": None},
    )  # fmt: skip
    if TRAINED[which]:
        nets = pn.train(nets, trials=TRAINED[which], progress=False)
    if which == "random_dots":
        assert (pn.evaluate(nets, progress=False).accuracy_P > 0.75).sum() >= 8
    for index, member in enumerate(nets.members):
        yield pick(nets.params, torch.tensor([index])), cell_of(member.config.network)


@pytest.mark.slow
@pytest.mark.parametrize("which", TRAINED)
def test_the_same_set_from_the_same_starts(which):
    bistable = 0
    for params, cell in networks(which):
        g = torch.Generator().manual_seed(1)
        pulses = torch.randn(1, 20, 30, 1, generator=g, dtype=torch.float64).sign()
        params = type(params)(*(None if t is None else t.double() for t in params))
        zero = torch.zeros(1, 20, 20, dtype=torch.float64)
        states = visited(params, cell, pulses, zero)
        at = autonomous(params, cell, torch.zeros(1, 1, 1, dtype=torch.float64))
        theirs = of_scipy(at, starts(states, at, STARTS, 0))
        (ours,) = points(params, cell, states, np.zeros((1, 1)), STARTS)
        x_FN = ours.x_FN[ours.kind_F == "root"]
        size = APART * states.spread
        kept, _ = distinct(theirs, np.zeros(len(theirs)), size)
        assert len(kept) == len(x_FN)
        apart = np.linalg.norm(theirs[kept][:, None] - x_FN, axis=2)
        assert apart.min(axis=1).max() < size
        bistable += ours.stable_F.sum() >= 2
    assert which != "flipflop" or bistable >= 5
