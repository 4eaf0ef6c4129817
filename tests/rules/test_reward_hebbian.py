"""Reward-modulated Hebbian learning against a plain transcription of the equations."""

import math

import numpy as np
import pytest
import torch

from popnet.core.cell import Cell, Params
from popnet.core.impulses import ImpulseList, dense
from popnet.core.scoring import decision
from popnet.rules import RULES, Episode
from popnet.rules.reward_hebbian import RewardHebbian, State

F64 = torch.float64
N, I, T, K, TRIALS = 7, 2, 24, 3, 14  # noqa: E741
CELL = Cell(0.001, "tanh", ((1, 1.0), (4, -1.0)), 0)
SCORED = 6
TRACES = ["cube", "signed_square", "node_perturbation"]


def impulses_of(chance, g):
    """Impulses of one trial: in every cell with this chance, some of size 16."""
    size = 16 * torch.randn(T, N, generator=g, dtype=F64).numpy()
    step, unit = np.nonzero(torch.rand(T, N, generator=g, dtype=F64).numpy() < chance)
    return ImpulseList(step, unit, size[step, unit])


@pytest.fixture
def world():
    """Two networks with every number their own, and all that happens to them."""
    g = torch.Generator().manual_seed(3)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=F64)

    params = Params(
        1.5 / N**0.5 * normal(2, N, N), normal(2, N, I), None, 0.1 * normal(2, N),
        0.003 + 0.03 * torch.rand(2, N, generator=g, dtype=F64),
        1 + 0.2 * normal(2, N), 0.1 * normal(2, N), None, None,
    )  # fmt: skip
    episodes = [
        Episode(
            normal(1, 1, T, I).expand(2, 1, T, I),
            torch.full((2, 1, T, 1), 0.98 * (-1) ** k, dtype=F64),
            (torch.arange(T) >= T - SCORED).expand(2, 1, T)[..., None],
            torch.full((2, 1), k % K),
            torch.full((2,), k),
            0.1 * normal(2, 1, N),
            0.2 * normal(2, 1, T, N),
            [[impulses_of(0.15, g)] for _ in range(2)],
        )
        for k in range(TRIALS)
    ]
    return params, episodes


HYPER = {
    "learning_rate": torch.tensor([0.1, 0.4], dtype=F64),
    "max_update": torch.tensor([3e-4, 1e-2], dtype=F64),
    "baseline_decay": torch.tensor([0.75, 0.33], dtype=F64),
    "state_decay_per_ms": torch.tensor([0.05, 0.3], dtype=F64),
    "error_factor": torch.tensor([1.0, 0.0], dtype=F64),
    "wait_trials": torch.tensor([5.0, 0.0], dtype=F64),
}


class Plain:
    """One network, one number at a time: sections 1.1 and 2 of the specification."""

    def __init__(self, params, p, power):
        self.J = params.w_PNN[p].tolist()
        self.B = params.win_PNI[p].tolist()
        self.b, self.tau = params.bias_PN[p].tolist(), params.tau_PN[p].tolist()
        self.gain, self.theta = (
            params.slope_PN[p].tolist(),
            params.threshold_PN[p].tolist(),
        )
        self.eta, self.top, self.a_t, self.a_x, factor, self.wait = (
            float(HYPER[name][p])
            for name in ("learning_rate", "max_update", "baseline_decay",
                         "state_decay_per_ms", "error_factor", "wait_trials")
        )  # fmt: skip
        self.factor, self.power = factor == 1, power
        self.mbar, self.xbar, self.clipped = [0.0] * K, [0.0] * N, 0

    def rate(self, i, x):
        return math.tanh(self.gain[i] * (x - self.theta[i]))

    def grown(self, r, dx, impulse):
        """What one step adds to the trace of one weight."""
        if self.power == "node_perturbation":
            return r * impulse
        z = r * dx
        return z**3 if self.power == "cube" else z * abs(z)

    def trial(self, number, kind, x, u, noise, impulse, target):
        """Runs, learns, and returns the trial's error."""
        x = list(x)
        trace = [[0.0] * N for _ in range(N)]
        output = []
        for unit, value in CELL.clamped:
            x[unit] = value
        r = [self.rate(i, x[i]) for i in range(N)]
        for t in range(T):
            before, moved = r, []
            for i in range(N):
                total = self.b[i] + noise[t][i] + impulse[t][i]
                for j in range(N):
                    total += self.J[i][j] * before[j]
                for k in range(I):
                    total += self.B[i][k] * u[t][k]
                moved.append(x[i] + 0.001 / self.tau[i] * (-x[i] + total))
            for unit, value in CELL.clamped:
                moved[unit] = value
            x = moved
            r = [self.rate(i, x[i]) for i in range(N)]
            for i in range(N):
                dx = x[i] - self.xbar[i]
                self.xbar[i] = self.a_x * self.xbar[i] + (1 - self.a_x) * x[i]
                if t > 2:
                    for j in range(N):
                        trace[i][j] += self.grown(before[j], dx, impulse[t][i])
            output.append(r[0])
        m = sum(abs(o - target) for o in output[-SCORED:]) / SCORED
        if number >= self.wait:
            scale = self.mbar[kind] if self.factor else 1.0
            for i in range(N):
                for j in range(N):
                    change = -self.eta * scale * (m - self.mbar[kind]) * trace[i][j]
                    self.clipped += abs(change) > self.top
                    self.J[i][j] += min(max(change, -self.top), self.top)
        self.mbar[kind] = self.a_t * self.mbar[kind] + (1 - self.a_t) * m
        return m


@pytest.mark.parametrize("power", TRACES)
def test_whole_trials_are_a_plain_transcription_of_the_equations(power, world):
    params, episodes = world
    settings = RewardHebbian(trace=power)
    state = RULES["reward_hebbian"].init(params, settings, HYPER, K, [])
    plain = [Plain(params, p, power) for p in (0, 1)]
    first = params.w_PNN
    for number, episode in enumerate(episodes):
        params, state, outcome = RULES["reward_hebbian"].step(
            params, state, episode, settings, HYPER, CELL, decision
        )
        for p, one in enumerate(plain):
            m = one.trial(
                number,
                number % K,
                episode.x0_PBN[p, 0].tolist(),
                episode.input_PBTI[p, 0].tolist(),
                episode.noise_PBTN[p, 0].tolist(),
                dense(episode.impulses[p][0], T, N).tolist(),
                float(episode.target_PBTO[p, 0, 0, 0]),
            )
            assert float(outcome.error_PB[p, 0]) == pytest.approx(m, rel=1e-10)
            assert bool(outcome.correct_PB[p, 0]) is (m < 1)
        expected = torch.tensor([one.J for one in plain], dtype=F64)
        torch.testing.assert_close(params.w_PNN, expected, rtol=1e-10, atol=1e-10)
        waits = number < HYPER["wait_trials"][0]
        assert torch.equal(params.w_PNN[0], first[0]) is bool(waits)
    for p, one in enumerate(plain):
        torch.testing.assert_close(
            state.baseline_PK[p],
            torch.tensor(one.mbar, dtype=F64),
            rtol=1e-10,
            atol=0.0,
        )
        torch.testing.assert_close(
            state.xbar_PN[p], torch.tensor(one.xbar, dtype=F64), rtol=1e-10, atol=1e-14
        )
        assert 0 < one.clipped < N * N * TRIALS, "clip tested on both sides"


@pytest.mark.parametrize("as_current", [False, True], ids=["list", "current"])
def test_trials_given_at_once_are_learned_from_in_turn(as_current, world):
    """Impulses come as a list or, on a GPU, as a current."""
    params, episodes = world
    rule, settings = RULES["reward_hebbian"], RewardHebbian()
    start = rule.init(params, settings, HYPER, K, [])
    one, state, errors = params, start, []
    for episode in episodes:
        one, state, outcome = rule.step(
            one, state, episode, settings, HYPER, CELL, decision
        )
        errors.append(outcome.error_PB)
    impulses = [[e.impulses[p][0] for e in episodes] for p in (0, 1)]
    if as_current:
        rows = [[dense(impulse, T, N) for impulse in row] for row in impulses]
        impulses = torch.from_numpy(np.array(rows))
    columns = [torch.cat(c, 1) for c in zip(*(e[:4] for e in episodes), strict=True)]
    starts, noise = (torch.cat([e[k] for e in episodes], 1) for k in (5, 6))
    batch = Episode(*columns, episodes[0].trial_P, starts, noise, impulses)
    got, after, outcome = rule.step(
        params, start, batch, settings, HYPER, CELL, decision
    )
    assert torch.equal(got.w_PNN, one.w_PNN)
    assert all(torch.equal(a, b) for a, b in zip(after, state, strict=True))
    assert torch.equal(outcome.error_PB, torch.cat(errors, 1))


def test_only_the_recurrent_weights_learn(world):
    params, episodes = world
    settings = RewardHebbian()
    state = RULES["reward_hebbian"].init(params, settings, HYPER, K, [])
    hyper = HYPER | {"wait_trials": torch.zeros(2, dtype=F64)}
    new = params
    for episode in episodes[:4]:
        new, state, _ = RULES["reward_hebbian"].step(
            new, state, episode, settings, hyper, CELL, decision
        )
    changed = [
        name
        for name, a, b in zip(params._fields, new, params, strict=True)
        if a is not None and not torch.equal(a, b)
    ]
    assert changed == ["w_PNN"]


def test_clamped_units_keep_their_incoming_weights(world):
    # their x never moves, so once x-bar has come to it nothing is left to learn
    params, episodes = world
    settings = RewardHebbian()
    hyper = HYPER | {"wait_trials": torch.zeros(2, dtype=F64)}
    settled = torch.zeros(2, N, dtype=F64)
    for unit, value in CELL.clamped:
        settled[:, unit] = value
    state = State(torch.full((2, K), 0.5, dtype=F64), settled)
    new, _, _ = RULES["reward_hebbian"].step(
        params, state, episodes[0], settings, hyper, CELL, decision
    )
    change = new.w_PNN - params.w_PNN
    for unit, _ in CELL.clamped:
        # x-bar is a rounded weighted mean: 1e-16 stays of it, cubed
        assert float(change[:, unit].abs().max()) < 1e-40
        assert bool(change[:, :, unit].any()), "outgoing weights do learn"


def test_networks_of_one_population_do_not_touch(world):
    params, episodes = world
    settings = RewardHebbian()
    rule = RULES["reward_hebbian"]

    def train(ill):
        now, state = params, rule.init(params, settings, HYPER, K, [])
        for number, episode in enumerate(episodes):
            current = episode.noise_PBTN.clone()
            if ill and number == 6:
                current[0, 0, 5, 2] = float("nan")
            now, state, _ = rule.step(
                now, state, episode._replace(noise_PBTN=current), settings, HYPER,
                CELL, decision,
            )  # fmt: skip
        return now.w_PNN, state.baseline_PK

    for ill, well in zip(train(True), train(False), strict=True):
        assert bool(ill[0].isnan().any())
        assert torch.equal(ill[1], well[1])


def test_constants_of_the_published_code_and_of_the_paper():
    code, paper = RewardHebbian(), RewardHebbian(preset="paper")
    wanted = ("learning_rate", "max_update", "baseline_decay", "error_factor")
    assert [getattr(code, k) for k in wanted] == [0.1, 3e-4, 0.75, True]
    assert [getattr(paper, k) for k in wanted] == [0.5, 1e-4, 0.33, False]
    assert (code.state_decay_per_ms, code.wait_trials) == (0.05, 101)
    assert (code.trace_every_s, code.skip_s) == (0.001, 0.003)
    own = code.exploration
    given = (own.rate_hz, own.amplitude, own.duration_s, own.quiet_s, own.into)
    assert given == (3, 16, 0.001, 0.004, "drive")
    # in x: 16 dt / tau = .533 in the code, .5 in the paper
    assert paper.exploration.amplitude * 0.001 / 0.030 == pytest.approx(0.5)
    assert RewardHebbian(preset="paper", learning_rate=0.2).learning_rate == 0.2
