"""Full-FORCE against a plain transcription, ridge regression, and the flip-flop."""

import numpy as np
import pytest
import torch

from popnet.config import ConfigError
from popnet.core.cell import Cell, Params
from popnet.core.rollout import drive, outputs
from popnet.core.scoring import mean_error, tracking
from popnet.engine.train import advance, begin
from popnet.rules import RULES, Episode
from popnet.rules.full_force import FullForce
from popnet.seeding import Seed

F64 = torch.float64
P, B, T, N, I, O = 2, 3, 9, 5, 2, 2  # noqa: E741
CELL = Cell(0.001, "tanh", ((2, 0.5),), None)
HYPER = {
    "alpha": torch.tensor([1.0, 0.2], dtype=F64),
    "target_gain": torch.tensor([1.0, 1.4], dtype=F64),
    "target_scale": torch.tensor([0.7, 2.0], dtype=F64),
}
RULE = RULES["full_force"]
SEEDS = [Seed(5, 0), Seed(5, 1)]


@pytest.fixture
def world():
    """Two networks with every number their own, and all that happens to them."""
    g = torch.Generator().manual_seed(8)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=F64)

    params = Params(
        0.3 * normal(P, N, N), normal(P, N, I), 0.3 * normal(P, O, N),
        0.1 * normal(P, N), 0.003 + 0.01 * torch.rand(P, N, generator=g, dtype=F64),
        1 + 0.2 * normal(P, N), 0.1 * normal(P, N), None, None,
    )  # fmt: skip
    mask = torch.rand(P, B, T, O, generator=g) < 0.6
    mask[:, :, 5:7] = False
    episode = Episode(
        normal(P, B, T, I), normal(P, B, T, O).sign(), mask,
        torch.zeros(P, B, dtype=torch.int64), torch.zeros(P, dtype=torch.int64),
        0.1 * normal(P, B, N), 0.2 * normal(P, B, T, N),
    )  # fmt: skip
    return params, episode


def learn(params, episode, **settings):
    rule = FullForce(**settings)
    state = RULE.init(params, rule, HYPER, 1, SEEDS)
    return state, *RULE.step(params, state, episode, rule, HYPER, CELL, tracking)


class Ridge:
    """All samples kept, and the regression made anew at each step."""

    def __init__(self, w, alpha):
        self.first, self.alpha, self.r, self.of = w, alpha, [], []

    def learn(self, r, wanted, known):
        """``wanted`` [S, O]; what is not known is what the weights say now."""
        now, scored = r @ self.weights().T, known.any(1)
        self.of.append(torch.where(known, wanted, now)[scored])
        self.r.append(r[scored])

    def weights(self):
        if not self.r:
            return self.first
        r, of = torch.cat(self.r), torch.cat(self.of)
        gram = r.T @ r + self.alpha * torch.eye(N, dtype=F64)
        return self.first + torch.linalg.solve(gram, r.T @ (of - r @ self.first.T)).T


def plain(params, state, episode, p, learns, weight=1.0):
    """One network: the equations of the module's head, with ``Ridge`` for P.

    Samples that count ``weight`` times are as many with alpha / weight.
    """
    alpha = float(HYPER["alpha"][p]) / weight
    inner, outer = Ridge(params.w_PNN[p], alpha), Ridge(params.wout_PON[p], alpha)
    a = 0.001 / params.tau_PN[p]

    def rate(x):
        x[:, 2] = 0.5
        return torch.tanh(params.slope_PN[p] * (x - params.threshold_PN[p]))

    x, x_d = episode.x0_PBN[p].clone(), episode.x0_PBN[p].clone()
    for t in range(T):
        r, r_d = rate(x), rate(x_d)
        mask = episode.mask_PBTO[p, :, t]
        f = episode.target_PBTO[p, :, t] * mask
        c = r_d @ state.target_PNN[p].T + f @ state.target_PNO[p].T
        if t in learns:
            inner.learn(r, c, torch.ones(B, N, dtype=torch.bool))
        come = episode.input_PBTI[p, :, t] @ params.win_PNI[p].T + params.bias_PN[p]
        come = come + episode.noise_PBTN[p, :, t]
        x = x + a * (-x + r @ inner.weights().T + come)
        x_d = x_d + a * (-x_d + c + come)
        if t in learns:
            outer.learn(rate(x), f, mask)
    return inner.weights(), outer.weights()


@pytest.mark.parametrize(
    ("settings", "learns"),
    [
        ({}, range(T)),
        ({"every_s": 0.002}, range(0, T, 2)),
        ({"every_s": 0.0005}, range(T)),
        ({"trigger_s": 0.003}, [0, 3, 4, 5, 6, 7, 8]),
        ({"trigger_s": 0.003, "every_s": 0.002}, [0, 4, 6, 8]),
    ],
)
def test_a_batch_is_ridge_regression_on_the_currents_at_every_step(
    settings, learns, world
):
    params, episode = world
    state, got, _, _ = learn(params, episode, **settings)
    for p in range(P):
        weight = 2.0 if settings == {"every_s": 0.0005} else 1.0
        w, wout = plain(params, state, episode, p, learns, weight)
        torch.testing.assert_close(got.w_PNN[p], w, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(got.wout_PON[p], wout, rtol=1e-9, atol=1e-9)


def test_a_batch_is_scored_before_it_is_learned_from(world):
    params, episode = world
    _, _, _, outcome = learn(params, episode)
    driven = drive(params, episode.input_PBTI, episode.noise_PBTN)
    before = outputs(params, CELL, driven, episode.x0_PBN)
    error = mean_error(before, episode.target_PBTO, episode.mask_PBTO)
    torch.testing.assert_close(outcome.error_PB, error)


def test_told_throughout_is_learning_as_if_every_step_were_scored(world):
    params, episode = world
    whole = episode._replace(mask_PBTO=torch.ones_like(episode.mask_PBTO))
    _, told, state, outcome = learn(params, episode, told="throughout")
    _, expected, expected_state, _ = learn(params, whole)
    for a, b in zip((*told, *state), (*expected, *expected_state), strict=True):
        assert (a is None and b is None) or torch.equal(a, b)
    _, other, _, scored = learn(params, episode)
    assert not torch.equal(told.w_PNN, other.w_PNN)
    assert torch.equal(outcome.error_PB, scored.error_PB), "scored as the task asks"


def test_only_w_and_the_readout_are_learned_and_the_target_network_stays(world):
    params, episode = world
    state, got, after, _ = learn(params, episode)
    changed = {
        name
        for name, a, b in zip(params._fields, got, params, strict=True)
        if a is not None and not torch.equal(a, b)
    }
    assert changed == {"w_PNN", "wout_PON"}
    assert after.target_PNN is state.target_PNN
    assert after.target_PNO is state.target_PNO


def test_the_target_network_has_its_laws_and_its_own_seed():
    units = 200
    params = Params(
        torch.zeros(2, units, units), torch.zeros(2, units, I),
        torch.zeros(2, O, units), *(torch.ones(2, units) for _ in range(4)), None, None,
    )  # fmt: skip
    state = RULE.init(params, FullForce(), HYPER, 1, SEEDS)
    for p in range(2):
        gain, scale = float(HYPER["target_gain"][p]), float(HYPER["target_scale"][p])
        assert float(state.target_PNN[p].std()) == pytest.approx(
            gain / units**0.5, rel=0.02
        )
        assert float(state.target_PNO[p].std()) == pytest.approx(scale, rel=0.15)
    assert state.p_PNN.dtype == state.pout_PNN.dtype == F64
    one, other = (state.target_PNN[p] / HYPER["target_gain"][p] for p in range(2))
    assert float((one - other).abs().mean()) > 0.01
    alone = RULE.init(params, FullForce(), HYPER, 1, [SEEDS[1]] * 2)
    assert torch.equal(alone.target_PNN[1], state.target_PNN[1])


def errors(planned, **rule):
    members = planned(
        task={"name": "flipflop", "bits": 1, "trial_s": 1.0, "pulse": 0.03,
              "pulse_s": 0.01},
        rule={"name": "full_force", "batch_trials": 10, **rule}, count=2, seed=5,
        network={"units": 40, "dt_s": 0.01, "tau_s": 0.02, "input_scale": 2.0},
        train={"trials": 100, "until": None, "curve_every": 10},
    )  # fmt: skip
    found = []
    for population in begin(members, torch.device("cpu")):
        _, (result,) = advance(population, 80)
        found.append(result.curve_error_C)
    return np.array(found)


def test_learns_to_hold_a_bit_and_by_its_recurrent_weights(planned):
    """Told nothing of the target, W learns currents in which it is not kept."""
    assert errors(planned)[:, -1].max() < 0.15
    assert errors(planned, target_scale=0.0)[:, -1].min() > 0.4


def test_a_unit_readout_and_feedback_are_refused(planned):
    for network, text in (
        ({"readout": {"kind": "unit"}}, r"network\.readout: rule full_force"),
        ({"feedback": 1.0}, r"network\.feedback: got 1"),
    ):
        with pytest.raises(ConfigError, match=text):
            planned(rule="full_force", network=network)
