"""Evolution strategies: their estimate against finite differences, and Adam on it."""

import numpy as np
import pytest
import torch
from scipy.stats import rankdata

from popnet.core.constraints import project
from popnet.core.rollout import drive, outputs
from popnet.core.scoring import tracking
from popnet.engine.train import advance, begin
from popnet.rules import RULES
from popnet.rules._candidates import (
    CandidateWeights,
    allowed,
    candidate,
    each,
    evaluated,
)
from popnet.rules.evolution_strategies import (
    EvolutionStrategies,
    gradient,
    neighbours,
    ranks,
)

F64 = torch.float64
RULE = RULES["evolution_strategies"]
SETTINGS = EvolutionStrategies(pairs=4)
SILENCE = torch.zeros(2, dtype=F64)
HYPER = {
    "sigma": torch.tensor([0.05, 0.2], dtype=F64),
    "learning_rate": torch.tensor([0.02, 0.003], dtype=F64),
    "weight_decay": torch.tensor([0.0, 0.1], dtype=F64),
    "silence": SILENCE,
}
NAMES = ("w_PNN", "win_PNI", "wout_PON")


@pytest.fixture
def free(searched):
    """Networks whose weights may all be."""
    params, episode, cell = searched
    return params._replace(mask_PNN=None, sign_PN=None), episode, cell


def flat(weights):
    """All weights of a network in one row, [P, C, D]."""
    return torch.cat([leaf.flatten(2) for leaf in weights], 2)


def differences(params, episode, cell, step=1e-5):
    """Slopes of the loss, one weight at a time, [P, D]."""
    own, count = candidate(params), flat(candidate(params)).shape[2]
    eye = step * torch.eye(count, dtype=F64).expand(2, -1, -1)
    sizes = [leaf[0, 0].numel() for leaf in own]
    rows = CandidateWeights(*(
        part.unflatten(2, leaf.shape[2:])
        for part, leaf in zip(eye.split(sizes, 2), own, strict=True)
    ))  # fmt: skip
    up, down = (
        evaluated(params, each(lambda a, b, s=s: a + s * b, own, rows), episode, cell,
                  SILENCE)[0]
        for s in (1, -1)
    )  # fmt: skip
    return (up - down) / (2 * step)


def estimates(free, normal, sigma=1e-3):
    """g from the losses themselves and from their ranks, [P, D]."""
    params, episode, cell = free
    sigma_P = torch.full((2,), sigma, dtype=F64)
    some = neighbours(params, normal, sigma_P)
    loss = evaluated(params, some, episode, cell, SILENCE)[0][:, 1:]
    return [flat(gradient(value, normal))[:, 0] for value in (loss, ranks(loss))]


def test_the_estimate_is_the_slope_of_the_loss(free, normal_weights):
    """As sigma -> 0: L+ - L- -> 2 sigma e . slope, so g / sigma -> slope."""
    slope = differences(*free)
    raw, ranked = estimates(free, normal_weights(800))
    for p in range(2):
        for g in (raw, ranked):
            assert float(torch.cosine_similarity(g[p], slope[p], 0)) > 0.95
        size = float(raw[p] @ slope[p] / (slope[p] @ slope[p])) / 1e-3
        assert size == pytest.approx(1, abs=0.15)


def test_pairs_cancel_where_the_loss_is_even(normal_weights):
    normal = normal_weights(6)
    even = torch.randn(2, 6, dtype=F64, generator=torch.Generator().manual_seed(1))
    even[:, 2] = even[:, 4]  # also among pairs
    for value in (even, even.square()):
        both = torch.cat([value, value], 1)
        for g in gradient(ranks(both), normal):
            assert not bool(g.any())


def test_ranks_are_centred_shared_by_equals_and_blind_to_the_scale():
    g = torch.Generator().manual_seed(2)
    loss = torch.randn(3, 8, generator=g, dtype=F64)
    loss[0, 3] = loss[0, 5] = loss[0, 6]
    loss[1, 2] = torch.inf
    expected = np.stack([(rankdata(row) - 1) / 7 - 0.5 for row in loss.numpy()])
    np.testing.assert_allclose(ranks(loss).numpy(), expected, atol=1e-15)
    assert torch.equal(ranks(loss.exp()), ranks(loss))
    assert torch.equal(ranks(7 * loss - 3), ranks(loss))
    assert not bool(ranks(torch.full((1, 4), torch.inf)).any())


def test_neighbours_stand_on_both_sides(searched, normal_weights):
    params, _, _ = searched
    normal, free = normal_weights(3), params._replace(mask_PNN=None, sign_PN=None)
    got = neighbours(free, normal, HYPER["sigma"])
    for leaf, own, e in zip(got, candidate(free), normal, strict=True):
        assert leaf.shape[1] == 7 and torch.equal(leaf[:, :1], own)
        torch.testing.assert_close(leaf[:, 1:4] + leaf[:, 4:], 2 * own.expand_as(e))
        away = (leaf[:, 1:4] - own) / HYPER["sigma"][:, None, None, None]
        torch.testing.assert_close(away, e)
    kept = neighbours(params, normal, HYPER["sigma"])
    assert torch.equal(kept.w_PCNN, allowed(params, got).w_PCNN)


def learn(params, state, episode, cell):
    return RULE.step(params, state, episode, SETTINGS, HYPER, cell, tracking)


def test_steps_are_torch_s_adam_on_the_stated_gradient(searched, normal_weights, drawn):
    """With weight decay, masks and signs, for several steps."""
    params, episode, cell = searched
    state = RULE.init(params, SETTINGS, HYPER, 1, [])
    leaves = [[torch.nn.Parameter(getattr(params, n)[p].clone()) for n in NAMES]
              for p in range(2)]  # fmt: skip
    own = [torch.optim.Adam(leaves[p], lr=float(HYPER["learning_rate"][p]))
           for p in range(2)]  # fmt: skip
    for seed in range(4):
        normal = normal_weights(4, seed)
        some = neighbours(params, normal, HYPER["sigma"])
        loss = evaluated(params, some, episode, cell, SILENCE)[0]
        now = episode._replace(drawn=drawn(normal))
        params, state, _ = learn(params, state, now, cell)
        for p in range(2):
            rank = torch.tensor((rankdata(loss[p, 1:]) - 1) / 7 - 0.5)
            for leaf, e in zip(leaves[p], normal, strict=True):
                g = sum((rank[i] - rank[4 + i]) * e[p, i] for i in range(4)) / 8
                leaf.grad = g + HYPER["weight_decay"][p] * leaf.data
            own[p].step()
            row = params._replace(mask_PNN=params.mask_PNN[p], sign_PN=params.sign_PN[p,
                                  None], w_PNN=leaves[p][0].data)  # fmt: skip
            leaves[p][0].data.copy_(project(row).w_PNN[0])
    for p in range(2):
        for name, leaf in zip(NAMES, leaves[p], strict=True):
            torch.testing.assert_close(
                getattr(params, name)[p], leaf.data, rtol=1e-9, atol=1e-12
            )


def test_a_step_reports_the_network_itself_before_it(searched, normal_weights, drawn):
    params, episode, cell = searched
    episode = episode._replace(impulses=None, drawn=drawn(normal_weights(4)))
    current = drive(params, episode.input_PBTI, episode.noise_PBTN)
    output = outputs(params, cell, current, episode.x0_PBN)
    expected = tracking(output, episode.target_PBTO, episode.mask_PBTO)
    state = RULE.init(params, SETTINGS, HYPER, 1, [])
    got, _, outcome = learn(params, state, episode, cell)
    torch.testing.assert_close(outcome.error_PB, expected.error_PB)
    assert torch.equal(outcome.correct_PB, expected.correct_PB)
    assert not torch.equal(got.w_PNN, params.w_PNN)


def test_what_is_not_searched_stays(searched, normal_weights, drawn):
    params, episode, cell = searched
    state = RULE.init(params, SETTINGS, HYPER, 1, [])
    episode = episode._replace(drawn=drawn(normal_weights(4)))
    got, _, _ = learn(params, state, episode, cell)
    for name in set(params._fields) - set(NAMES):
        assert torch.equal(getattr(got, name), getattr(params, name)), name


def test_defaults_are_those_of_the_published_configuration():
    rule = EvolutionStrategies()
    assert (rule.sigma, rule.learning_rate, rule.weight_decay) == (0.02, 0.01, 0.0)
    assert rule.activity_copies == 4 * 65


def test_learns_which_way_the_dots_move(planned):
    """At sigma 0.1, where hardly any integration is needed, for a coarse time step."""
    members = planned(
        rule={"name": "evolution_strategies", "pairs": 10, "sigma": 0.05,
              "learning_rate": 0.02, "batch_trials": 16},
        task={"name": "random_dots", "sigma": 0.1, "stimulus_s": 0.2, "weakest": 0.05},
        network={"units": 16, "dt_s": 0.01, "tau_s": {"mean": 0.05}},
        train={"trials": 1000, "until": {"accuracy": 1.0, "window": 200,
                                         "stop": False}},
    )  # fmt: skip
    (done,) = advance(begin(members, torch.device("cpu"))[0], 1000)[1]
    assert done.final_accuracy > 0.95
