"""The genetic algorithm: who has young, what mutates, who survives."""

import numpy as np
import pytest
import torch

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
from popnet.rules.genetic import Genetic, State, generation

RULE = RULES["genetic"]
SETTINGS = Genetic(candidates=9, parents=3)
SD = torch.tensor([0.05, 0.3], dtype=torch.float64)
HYPER = {"mutation_sd": SD, "silence": torch.zeros(2, dtype=torch.float64)}


@pytest.fixture
def planted(searched, normal_weights):
    """Three parents of each network, all different, the first the network's own."""
    params, _, _ = searched
    others = each(lambda a, b: a + b, candidate(params), normal_weights(2, seed=7))
    others = allowed(params, others)
    both = each(lambda *of: torch.cat(of, 1), candidate(params), others)
    return State(*both)


@pytest.fixture
def episode_of(searched, normal_weights, drawn):
    """The same trials, with other mutations."""

    def make(seed=0, parent=None):
        if parent is None:
            parent = np.random.default_rng(seed).integers(3, size=(2, 8))
        normal = drawn(normal_weights(8, seed))
        given = {"parent": torch.as_tensor(np.array(parent)), **normal}
        return searched[1]._replace(drawn=given)

    return make


def learn(params, state, episode, cell, hyper=HYPER):
    return RULE.step(params, state, episode, SETTINGS, hyper, cell, tracking)


def test_children_are_their_parents_with_noise(searched, planted, episode_of):
    params, _, _ = searched
    parent = [[0, 1, 2, 2, 1, 0, 0, 2], [2, 2, 2, 0, 1, 1, 0, 0]]
    episode = episode_of(parent=parent)
    got = generation(params, planted, episode, SD)
    for p in range(2):
        assert torch.equal(got.w_PCNN[p, 0], params.w_PNN[p]), "the elite"
        for c, k in enumerate(parent[p]):
            for name, leaf, old in zip(("w", "win", "wout"), got, planted, strict=True):
                made = old[p, k] + SD[p] * episode.drawn[name][p, c]
                if name == "w":
                    sign = params.sign_PN[p]
                    made = made * params.mask_PNN[p] * (made * sign >= 0)
                torch.testing.assert_close(leaf[p, c + 1], made)


def test_only_the_best_have_young(searched, planted, episode_of):
    """Truncation: without mutation all children are copies of one of the best three."""
    params, _, cell = searched
    episode = episode_of()
    every = generation(params, planted, episode, SD)
    loss, _ = evaluated(params, every, episode, cell, HYPER["silence"])
    got, state, _ = learn(params, planted, episode, cell)
    still = generation(got, state, episode_of(seed=1), 0 * SD)
    for p in range(2):
        best = np.argsort(loss[p].numpy())[:3]
        assert torch.equal(state.w_PKNN[p], every.w_PCNN[p, best])
        assert torch.equal(got.w_PNN[p], every.w_PCNN[p, best[0]])
        assert torch.equal(got.wout_PON[p], every.wout_PCON[p, best[0]])
        allowed_to = {every.win_PCNI[p, k].numpy().tobytes() for k in best}
        found = {child.numpy().tobytes() for child in still.win_PCNI[p]}
        assert found == allowed_to


def test_the_best_loss_on_the_same_trials_never_rises(searched, episode_of):
    params, _, cell = searched
    state = RULE.init(params, SETTINGS, HYPER, 1, [])
    losses = []
    for seed in range(25):
        episode = episode_of(seed)
        loss, _ = evaluated(params, candidate(params), episode, cell, HYPER["silence"])
        losses.append(loss[:, 0])
        params, state, _ = learn(params, state, episode, cell)
    curve = torch.stack(losses)
    assert bool((curve.diff(dim=0) <= 0).all())
    assert bool((curve[-1] < 0.9 * curve[0]).all())


def test_among_equals_the_older_stays(searched, episode_of):
    """Candidates whose output is not scored by anything they changed."""
    params, _, cell = searched
    state = RULE.init(params, SETTINGS, HYPER, 1, [])
    unit = cell._replace(output_unit=2)  # clamped: its rate is the same in all
    params, state = params._replace(wout_PON=None, wfb_PNO=None), state[:2]
    episode = episode_of()
    del episode.drawn["wout"]
    one = {name: getattr(episode, name)[..., :1] for name in
           ("target_PBTO", "mask_PBTO")}  # fmt: skip
    got, _, _ = learn(params, State(*state, None), episode._replace(**one), unit)
    assert torch.equal(got.w_PNN, params.w_PNN)


def test_a_generation_reports_the_network_as_it_was_before(
    searched, planted, episode_of
):
    params, _, cell = searched
    episode = episode_of()._replace(impulses=None)
    current = drive(params, episode.input_PBTI, episode.noise_PBTN)
    output = outputs(params, cell, current, episode.x0_PBN)
    expected = tracking(output, episode.target_PBTO, episode.mask_PBTO)
    got, _, outcome = learn(params, planted, episode, cell)
    torch.testing.assert_close(outcome.error_PB, expected.error_PB)
    assert torch.equal(outcome.correct_PB, expected.correct_PB)
    assert not torch.equal(got.w_PNN, params.w_PNN)


def test_one_network_s_candidates_are_no_other_s(searched, planted, episode_of):
    """Another second network: the first keeps every bit, with all its candidates."""
    params, _, cell = searched
    episode = episode_of()
    got, state, outcome = learn(params, planted, episode, cell)
    other = State(*(leaf.clone() for leaf in planted))
    for leaf in other:
        leaf[1] *= 3
    win_PNI = params.win_PNI * torch.tensor([1.0, 3.0])[:, None, None]
    params = params._replace(win_PNI=win_PNI)
    again, later, outcome2 = learn(params, other, episode, cell)
    assert torch.equal(got.w_PNN[0], again.w_PNN[0])
    assert all(torch.equal(a[0], b[0]) for a, b in zip(state, later, strict=True))
    assert torch.equal(outcome.error_PB[0], outcome2.error_PB[0])
    assert not torch.equal(outcome.error_PB[1], outcome2.error_PB[1])


def test_it_begins_with_the_network_as_it_was_drawn(searched):
    params, _, _ = searched
    state = RULE.init(params, SETTINGS, HYPER, 1, [])
    for leaf, own in zip(state, candidate(params), strict=True):
        assert leaf.shape[1] == 3 and torch.equal(leaf, own.expand_as(leaf))
    assert CandidateWeights(*state).w_PCNN.data_ptr() != params.w_PNN.data_ptr()


def test_defaults_are_the_published_ones():
    rule = Genetic()
    numbers = (rule.candidates, rule.parents, rule.mutation_sd, rule.batch)
    assert numbers == (50, 5, 0.005, 500)
    assert rule.state_copies == 5 and rule.activity_copies == 4 * 50


def test_learns_which_way_the_dots_move(planned):
    """At sigma 0.1, where hardly any integration is needed, for a coarse time step."""
    members = planned(
        rule={"name": "genetic", "candidates": 20, "parents": 4, "mutation_sd": 0.03,
              "batch_trials": 16},
        task={"name": "random_dots", "sigma": 0.1, "stimulus_s": 0.2, "weakest": 0.05},
        network={"units": 16, "dt_s": 0.01, "tau_s": {"mean": 0.05}},
        train={"trials": 1000, "until": {"accuracy": 1.0, "window": 200,
                                         "stop": False}},
    )  # fmt: skip
    (done,) = advance(begin(members, torch.device("cpu"))[0], 1000)[1]
    assert done.final_accuracy > 0.95
