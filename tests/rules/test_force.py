"""FORCE against a plain transcription, ridge regression, and the flip-flop."""

import math

import numpy as np
import pytest
import torch

from popnet.core.cell import Cell, Params
from popnet.core.rollout import drive, outputs, rollout
from popnet.core.scoring import mean_error, tracking
from popnet.engine.train import advance, begin
from popnet.rules import RULES, Episode
from popnet.rules.force import Force

F64 = torch.float64
P, B, T, N, I, O = 2, 3, 17, 5, 2, 2  # noqa: E741
CELL = Cell(0.001, "tanh", ((2, 0.5),), None)
HYPER = {"alpha": torch.tensor([1.0, 0.2], dtype=F64)}
FORCE = RULES["force"]


@pytest.fixture
def world():
    """Two networks with every number their own, and all that happens to them."""
    g = torch.Generator().manual_seed(8)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=F64)

    params = Params(
        1.5 / N**0.5 * normal(P, N, N), normal(P, N, I), 0.3 * normal(P, O, N),
        0.1 * normal(P, N), 0.003 + 0.01 * torch.rand(P, N, generator=g, dtype=F64),
        1 + 0.2 * normal(P, N), 0.1 * normal(P, N), None, None, normal(P, N, O),
    )  # fmt: skip
    mask = torch.rand(P, B, T, O, generator=g) < 0.6
    mask[:, :, 5:8] = False
    episode = Episode(
        normal(P, B, T, I), normal(P, B, T, O).sign(), mask,
        torch.zeros(P, B, dtype=torch.int64), torch.zeros(P, dtype=torch.int64),
        0.1 * normal(P, B, N), 0.2 * normal(P, B, T, N),
    )  # fmt: skip
    return params, episode


def learn(params, episode, cell=CELL, score=tracking, **settings):
    rule = Force(**settings)
    state = FORCE.init(params, rule, HYPER, 1, [])
    return FORCE.step(params, state, episode, rule, HYPER, cell, score)


class Plain:
    """One network, one number at a time."""

    def __init__(self, params, p):
        self.leaves = [None if t is None else t[p].tolist() for t in params]
        self.wout = self.leaves[2]
        alpha = float(HYPER["alpha"][p])
        self.P = [[(i == j) / alpha for j in range(N)] for i in range(N)]

    def rate(self, i, x):
        return math.tanh(self.leaves[5][i] * (x - self.leaves[6][i]))

    def read(self, r):
        return [sum(w * s for w, s in zip(row, r, strict=True)) for row in self.wout]

    def trial(self, x, u, noise, target, mask, every):
        """``every``: 0 runs the network as it is.  Returns its outputs."""
        w, win, _, bias, tau, _, _, _, _, wfb = self.leaves
        x, answers = list(x), []
        x[2] = 0.5
        r = [self.rate(i, x[i]) for i in range(N)]
        for t in range(T):
            z = self.read(r)  # by the weights as they are now
            for i in range(N):
                total = bias[i] + noise[t][i]
                total += sum(w[i][j] * r[j] for j in range(N))
                total += sum(win[i][k] * u[t][k] for k in range(I))
                total += sum(wfb[i][o] * z[o] for o in range(O))
                x[i] += 0.001 / tau[i] * (-x[i] + total)
            x[2] = 0.5
            r = [self.rate(i, x[i]) for i in range(N)]
            answers.append(self.read(r))
            if every and (t + 1) % every == 0 and any(mask[t]):
                self.update(r, answers[-1], target[t], mask[t])
        return answers

    def update(self, r, z, target, scored):
        pr = [sum(self.P[i][j] * r[j] for j in range(N)) for i in range(N)]
        c = 1 / (1 + sum(r[i] * pr[i] for i in range(N)))
        for i in range(N):
            for j in range(N):
                self.P[i][j] -= c * pr[i] * pr[j]
            for o in range(O):
                if scored[o]:
                    self.wout[o][i] -= (z[o] - target[o]) * c * pr[i]


@pytest.mark.parametrize("every", [1, 3])
def test_trials_are_a_plain_transcription_of_the_equations(every, world):
    params, episode = world
    got, state, outcome = learn(params, episode, every_s=every * CELL.dt_s)
    for p in range(P):
        one = Plain(params, p)
        for b in range(B):
            given = [
                leaf[p, b].tolist()
                for leaf in (episode.x0_PBN, episode.input_PBTI, episode.noise_PBTN,
                             episode.target_PBTO, episode.mask_PBTO)
            ]  # fmt: skip
            before = torch.tensor(one.trial(*given, 0), dtype=F64)
            place = slice(p, p + 1), slice(b, b + 1)
            scores = tracking(
                before[None, None], episode.target_PBTO[place], episode.mask_PBTO[place]
            )
            assert float(outcome.error_PB[p, b]) == pytest.approx(
                float(scores.error_PB), rel=1e-10
            )
            assert outcome.correct_PB[p, b] == scores.correct_PB
            one.trial(*given, every)
        for a, b in ((got.wout_PON[p], one.wout), (state.p_PNN[p], one.P)):
            expected = torch.tensor(b, dtype=F64)
            torch.testing.assert_close(a, expected, rtol=1e-9, atol=1e-10)


def test_only_the_readout_is_trained(world):
    params, episode = world
    got, _, _ = learn(params, episode)
    for name, a, b in zip(params._fields, got, params, strict=True):
        if name == "wout_PON":
            assert not torch.equal(a, b)
        else:
            assert a is b, name


@pytest.mark.parametrize(("every_s", "weight"), [(0.002, 1.0), (0.0015, 4 / 3)])
def test_without_feedback_it_is_ridge_regression_on_the_rates(every_s, weight, world):
    """Then the rates do not depend on the readout, so all are known beforehand.

    A sample every 2 ms counts as 4 / 3 samples where one every 1.5 ms was asked for.
    """
    params, episode = world
    params = params._replace(wfb_PNO=None)
    episode = episode._replace(mask_PBTO=torch.ones_like(episode.mask_PBTO))
    got, state, _ = learn(params, episode, every_s=every_s)
    driven = drive(params, episode.input_PBTI, episode.noise_PBTN)
    r = rollout(params, CELL, driven, episode.x0_PBN).r_PBSN[:, :, 1:]
    r, f = (part[:, :, 1::2].flatten(1, 2) for part in (r, episode.target_PBTO))
    one = torch.eye(N, dtype=F64)
    correlation = weight * r.mT @ r + HYPER["alpha"][:, None, None] * one
    w = params.wout_PON
    ridge = w + torch.linalg.solve(correlation, weight * r.mT @ (f - r @ w.mT)).mT
    torch.testing.assert_close(got.wout_PON, ridge, rtol=1e-9, atol=1e-9)
    inverse = torch.linalg.inv(correlation)
    torch.testing.assert_close(state.p_PNN, inverse, rtol=1e-9, atol=1e-9)


def test_a_trial_is_scored_before_it_is_learned_from(world):
    params, episode = world
    params = params._replace(wout_PON=torch.zeros_like(params.wout_PON))
    _, _, outcome = learn(params, episode)
    # a readout of 0 is wrong by 1 everywhere, however well it follows later
    assert float(outcome.error_PB[0, 0]) == float(outcome.error_PB[1, 0]) == 1.0
    assert float(outcome.error_PB[:, 1:].max()) != 1.0
    once, _, _ = learn(params, Episode(*(
        leaf[:, :1] if leaf is not None and leaf.ndim > 1 else leaf for leaf in episode
    )))  # fmt: skip
    driven = drive(params, episode.input_PBTI, episode.noise_PBTN)
    second = outputs(once, CELL, driven, episode.x0_PBN)[:, 1:2]
    error = mean_error(second, episode.target_PBTO[:, 1:2], episode.mask_PBTO[:, 1:2])
    torch.testing.assert_close(outcome.error_PB[:, 1:2], error)


def test_p_is_precise_whatever_the_network_is(world):
    params, _ = world
    single = Params(*(None if t is None else t.float() for t in params))
    for given in (params, single):
        assert FORCE.init(given, Force(), HYPER, 1, []).p_PNN.dtype == F64


FLIPFLOP = {"name": "flipflop", "bits": 2, "trial_s": 1.0, "pulse": 0.03,
            "pulse_s": 0.01}  # fmt: skip
SIZE = {"units": 100, "dt_s": 0.01, "tau_s": 0.02, "gain": 1.0, "input_scale": 5.0}


def curves(planned, **network):
    """Errors of 4 networks by 20 trials of 1 s, over 80 trials."""
    members = planned(
        task=FLIPFLOP, rule={"name": "force", "every_s": 0.02}, count=4, seed=5,
        network=SIZE | network,
        train={"trials": 80, "until": None, "curve_every": 20},
    )  # fmt: skip
    found = []
    for population in begin(members, torch.device("cpu")):
        _, (result,) = advance(population, 80)
        found.append((result.curve_error_C, result.curve_accuracy_C))
    return (np.array(column) for column in zip(*found, strict=True))


def test_learns_to_hold_two_bits_and_holds_them_by_the_feedback(planned):
    error_PC, accuracy_PC = curves(planned)
    assert error_PC[:, -1].max() < 0.05 and accuracy_PC[:, -1].mean() > 0.9
    # pulses are 33 steps apart, time constants 2 steps long
    forgetful_PC, poor_PC = curves(planned, feedback=0.0)
    assert forgetful_PC[:, -1].min() > 0.1 and poor_PC[:, -1].mean() < 0.6
