"""The policy gradient: its mean over draws is the slope of the expected reward."""

import itertools

import numpy as np
import pytest
import torch

from popnet.config import ConfigError
from popnet.core.backward import Gradients
from popnet.core.cell import Cell, Params
from popnet.core.rollout import drive, outputs
from popnet.core.scoring import decision, decisions, last_class
from popnet.engine.train import advance, begin
from popnet.rules import RULES, Episode
from popnet.rules._decisions import drawn_classes, drawn_signs
from popnet.rules._descent import at_rest
from popnet.rules.policy_gradient import (
    PolicyGradient,
    compiled_policy_gradients,
    expected,
    policy_gradients,
)
from popnet.seeding import Seed

F64 = torch.float64
B, T, N, I = 3, 11, 4, 2  # noqa: E741
DRAWS, WINDOWS, BETA = 20_000, 6, 1.7
CELL = Cell(0.001, "tanh", (), None)
LEAVES = ("w_PNN", "win_PNI", "wout_PON", "bias_PN")
SCORES = {"signs": decision, "windows": decisions, "classes": last_class}


def case(kind, seed=3):
    """Params of one network and three trials; two windows, or three classes."""
    g = torch.Generator().manual_seed(seed)
    outs = 3 if kind == "classes" else 2

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=F64)

    params = Params(
        1.3 / N**0.5 * normal(1, N, N), normal(1, N, I), 0.6 * normal(1, outs, N),
        0.1 * normal(1, N), 0.003 + 0.01 * torch.rand(1, N, generator=g, dtype=F64),
        1 + 0.2 * normal(1, N), 0.1 * normal(1, N), None, None,
    )  # fmt: skip
    scored = torch.zeros(1, B, T, outs, dtype=torch.bool)
    scored[:, :, 7:] = True
    target = torch.tensor([1.0, -1.0, 1.0], dtype=F64)[None, :, None, None]
    target = target.expand(1, B, T, outs).clone()
    if kind == "windows":
        scored[:, :2, 2:4] = True  # the last trial has one window alone
        target[:, :, :5] *= -1
        target[:, :, 8] = 0  # silence is no part of a decision
    if kind == "classes":
        right = torch.tensor([2, 0, 1])
        target = torch.nn.functional.one_hot(right, 3).to(F64)[None, :, None]
        target = target.expand(1, B, T, 3).clone()
    episode = Episode(
        2 * normal(1, B, T, I), target, scored, torch.tensor([[0, 1, 0]]),
        torch.zeros(1, dtype=torch.int64), 0.5 * normal(1, B, N), None,
    )  # fmt: skip
    return params, episode


def output_of(params, episode):
    return outputs(
        params, CELL, drive(params, episode.input_PBTI, None), episode.x0_PBN
    )


def decision_probabilities(kind, z_BTO, episode):
    """For each trial the probabilities of all its decisions, and the right ones.

    A slow plain second version: one trial, one window, one output at a time.
    """
    target, mask = episode.target_PBTO[0], episode.mask_PBTO[0]
    trials = []
    for b in range(B):
        if kind == "classes":
            e = torch.exp(BETA * z_BTO[b, -1])
            trials.append([(e / e.sum(), int(target[b, -1].argmax()))])
            continue
        made = []
        spans = [(2, 4)] if kind == "windows" and b < 2 else []
        spans += [(7, 8), (9, T)] if kind == "windows" else [(7, T)]
        for (first, last), o in itertools.product(spans, range(z_BTO.shape[2])):
            mean = z_BTO[b, first:last, o].mean()
            p = 1 / (1 + torch.exp(-BETA * mean))
            made.append((torch.stack([1 - p, p]), int(target[b, first, o] > 0)))
        assert mask[b].any()
        trials.append(made)
    return trials


def objective(kind, params, episode, entropy):
    """(1 / B) sum over trials of the chance that all its decisions are right, + H."""
    z_BTO = output_of(params, episode)[0]
    total = 0.0
    for trial in decision_probabilities(kind, z_BTO, episode):
        total += float(np.prod([float(p[right]) for p, right in trial]))
        total -= entropy * float(sum((p * p.log()).sum() for p, _ in trial))
    return total / B


def slopes(kind, params, episode, entropy):
    """Finite differences of the objective in every weight, one flat array."""
    found = []
    for leaf in LEAVES:
        value = getattr(params, leaf)
        for k in range(value.numel()):
            sides = []
            for by in (1e-5, -1e-5):
                moved = value.clone()
                moved.view(-1)[k] += by
                other = params._replace(**{leaf: moved})
                sides.append(objective(kind, other, episode, entropy))
            found.append((sides[0] - sides[1]) / 2e-5)
    return np.array(found)


def ascents(kind, params, episode, entropy, baseline, draws=DRAWS):
    """What each of many draws would add to the weights, [draws, weights], signs up."""
    g = torch.Generator().manual_seed(11)

    def many(leaf):
        return None if leaf is None else leaf.expand(draws, *leaf.shape[1:])

    crowd = Params(*(many(leaf) for leaf in params))
    outs = episode.target_PBTO.shape[3]
    u = torch.rand(draws, WINDOWS, B, outs, generator=g)
    every = episode._replace(
        **{k: many(getattr(episode, k)) for k in (
            "input_PBTI", "target_PBTO", "mask_PBTO", "type_PB", "trial_P", "x0_PBN",
        )},
        drawn={"classes" if kind == "classes" else "signs": u},
    )  # fmt: skip
    state = at_rest(crowd, [], adam=False)
    state = state._replace(baseline_PK=torch.full((draws, 2), baseline, dtype=F64))
    hyper = {
        "inverse_temperature": torch.full((draws,), BETA, dtype=F64),
        "entropy": torch.full((draws,), entropy, dtype=F64),
    }
    made = policy_gradients(crowd, state, every, hyper, CELL, SCORES[kind])
    columns = [-getattr(made.by_leaf, leaf).flatten(1) for leaf in LEAVES]
    return torch.cat(columns, 1).numpy()


@pytest.mark.parametrize("kind", ["signs", "windows", "classes"])
@pytest.mark.parametrize("entropy", [0.0, 0.2])
def test_its_mean_is_the_slope_of_the_expected_reward(kind, entropy):
    """4 standard errors of the mean, every weight; and the slopes are well above."""
    params, episode = case(kind)
    if kind == "windows":
        # three windows: the silence inside the last splits it, and it is scored so
        episode = episode._replace(
            mask_PBTO=episode.mask_PBTO & (episode.target_PBTO != 0)
        )
    expected_W = slopes(kind, params, episode, entropy)
    made = ascents(kind, params, episode, entropy, baseline=0.4)
    error_W = made.std(0) / np.sqrt(len(made))
    assert (np.abs(made.mean(0) - expected_W) < 4 * error_W + 1e-9).all()
    assert np.abs(expected_W).max() > 10 * error_W.max()
    assert np.corrcoef(made.mean(0), expected_W)[0, 1] > 0.99


def test_a_baseline_takes_out_variance_and_leaves_the_mean():
    params, episode = case("signs")
    reward = objective("signs", params, episode, 0.0)
    without, with_one = (
        ascents("signs", params, episode, 0.0, baseline) for baseline in (0.0, reward)
    )
    error = (without - with_one).std(0) / np.sqrt(DRAWS)
    assert (np.abs((without - with_one).mean(0)) < 4 * error + 1e-12).all()
    assert with_one.var(0).sum() < 0.9 * without.var(0).sum()


@pytest.mark.parametrize("kind", ["signs", "classes"])
def test_decisions_are_drawn_with_the_probability_of_the_output(kind):
    g = torch.Generator().manual_seed(2)
    params, episode = case(kind)
    z = output_of(params, episode)
    outs, draws = z.shape[3], 40_000
    u = torch.rand(draws, WINDOWS, B, outs, generator=g)
    beta_P = torch.full((draws,), BETA, dtype=F64)
    draw = drawn_classes if kind == "classes" else drawn_signs
    shape = (draws, B, T, outs)
    every = episode._replace(
        target_PBTO=0.3 * episode.target_PBTO.expand(shape),
        mask_PBTO=episode.mask_PBTO.expand(shape),
    )
    answer = draw(z.expand(shape), every, u, beta_P).answer_PBTO[:, :, -1]
    trials = decision_probabilities(kind, z[0], episode)
    for b, trial in enumerate(trials):
        for o in range(outs):
            p = trial[0][0][o] if kind == "classes" else trial[o][0][1]
            share = float((answer[:, b, o] > 0).double().mean())
            room = 4 * np.sqrt(float(p * (1 - p)) / draws)
            assert abs(share - float(p)) < room
    size = {1.0, 0.0} if kind == "classes" else {0.3, -0.3}
    assert set(np.round(answer.unique().tolist(), 12)) == size


def test_a_task_s_silence_is_no_decision():
    params, episode = case("windows")
    z = output_of(params, episode)
    u = torch.rand(1, WINDOWS, B, 2, generator=torch.Generator().manual_seed(1))
    drawn = drawn_signs(z, episode, u, torch.ones(1, dtype=F64))
    silent = episode.mask_PBTO & (episode.target_PBTO == 0)
    assert silent.any()
    for part in drawn:
        assert not part[silent].any() and not part[~episode.mask_PBTO].any()
        assert part[episode.mask_PBTO & ~silent].all()


@pytest.mark.parametrize("kind", ["signs", "classes"])
def test_the_compiled_path_is_the_reference(kind):
    params, episode = case(kind)
    outs = episode.target_PBTO.shape[3]
    u = torch.rand(1, WINDOWS, B, outs, generator=torch.Generator().manual_seed(4))
    made = {}
    for dtype, learn in ((F64, policy_gradients),
                         (torch.float32, compiled_policy_gradients)):  # fmt: skip

        def as_type(leaf, dtype=dtype):
            floating = leaf is not None and leaf.is_floating_point()
            return leaf.to(dtype) if floating else leaf

        own = Params(*(as_type(leaf) for leaf in params))
        some = episode._replace(drawn={"classes" if kind == "classes" else "signs": u})
        some = some._replace(
            **{k: as_type(getattr(some, k))
               for k in ("input_PBTI", "target_PBTO", "x0_PBN")}
        )  # fmt: skip
        state = at_rest(own, [], adam=False)
        state = state._replace(baseline_PK=torch.tensor([[0.3, 0.6]], dtype=dtype))
        hyper = {
            "inverse_temperature": torch.tensor([BETA], dtype=dtype),
            "entropy": torch.tensor([0.1], dtype=dtype),
            "learning_rate": torch.tensor([0.1], dtype=dtype),
        }
        made[dtype] = learn(own, state, some, hyper, CELL, SCORES[kind])
    one, other = made[F64], made[torch.float32]
    assert torch.equal(one.reward_PB.float(), other.reward_PB)
    torch.testing.assert_close(one.output_PBTO.float(), other.output_PBTO)
    for leaf in Gradients._fields[:4]:
        ours, theirs = getattr(one.by_leaf, leaf), getattr(other.by_leaf, leaf)
        torch.testing.assert_close(ours.float(), theirs, rtol=1e-4, atol=1e-6)
        assert bool((ours.abs() > 1e-4).any())


def test_baselines_follow_the_mean_reward_of_their_type():
    params, episode = case("signs")
    state = at_rest(params, [], adam=False)
    state = state._replace(baseline_PK=torch.tensor([[0.2, 0.5, 0.9]], dtype=F64))
    reward = torch.tensor([[1.0, 0.0, 0.0]], dtype=F64)
    after = expected(state, episode, reward, torch.tensor([0.25], dtype=F64))
    # types 0, 1, 0: mean rewards 1/2 and 0; type 2 has no trial
    assert torch.allclose(after, torch.tensor([[0.275, 0.375, 0.9]], dtype=F64))


@pytest.mark.parametrize("task", ["flipflop", "sines", "reaching"])
def test_a_task_without_decisions_is_refused(planned, task):
    with pytest.raises(ConfigError, match="learns decisions alone"):
        planned(rule="policy_gradient", task=task)


def test_decisions_are_named_by_what_the_task_asks_for(planned):
    config = planned(rule="policy_gradient", task="n_back")[0].config
    ((name, u),) = RULES["policy_gradient"].draws(config, Seed(1, 0), 0).items()
    assert name == "signs" and u.shape[1:] == (config.rule.batch, 1)
    # as many windows as the task has, at least, and other numbers in the next batch
    assert len(u) >= 3 and 0 <= u.min() < u.max() < 1
    (other,) = RULES["policy_gradient"].draws(config, Seed(1, 0), 32).values()
    assert (u != other).mean() > 0.99


def test_only_what_is_named_is_trained(planned):
    members = planned(
        rule={"name": "policy_gradient", "trains": ["input"], "batch_trials": 4},
        task={"name": "random_dots", "stimulus_s": 0.1, "response_s": 0.02},
        network={"units": 8, "dt_s": 0.01}, train={"trials": 8, "until": None},
    )  # fmt: skip
    (done,) = advance(begin(members, torch.device("cpu"))[0], 9)[1]
    for leaf in LEAVES:
        same = torch.equal(getattr(done.initial, leaf), getattr(done.final, leaf))
        assert same == (leaf != "win_PNI")


def test_it_is_in_the_registry():
    assert RULES["policy_gradient"].settings is PolicyGradient
