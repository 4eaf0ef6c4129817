"""Candidates: their losses one by one, the same trials for all, what is drawn."""

import numpy as np
import pytest
import torch

from popnet.core.cell import pick
from popnet.core.constraints import project
from popnet.core.draw import draw
from popnet.core.impulses import currents
from popnet.core.rollout import drive, readout, rollout
from popnet.rules import _candidates, genetic
from popnet.rules._candidates import (
    CandidateWeights,
    allowed,
    candidate,
    each,
    evaluated,
)

SILENCE = torch.tensor([0.0, 0.7], dtype=torch.float64)


def around(params, normal):
    """The networks' own weights and others."""
    return each(lambda a, b: torch.cat([a, a + b], 1), candidate(params), normal)


def alone(params, episode, cell, weights, p, c):
    """Outputs [B, T, O] of one candidate, run by itself."""
    one = torch.tensor([p])
    own = pick(params, one)._replace(
        w_PNN=weights.w_PCNN[one, c], win_PNI=weights.win_PCNI[one, c],
        wout_PON=weights.wout_PCON[one, c],
    )  # fmt: skip
    steps = episode.input_PBTI.shape[2]
    current = currents(episode.noise_PBTN, episode.impulses, episode.x0_PBN, steps)[one]
    driven = drive(own, episode.input_PBTI[one], current)
    r = rollout(own, cell, driven, episode.x0_PBN[one]).r_PBSN[:, :, 1:]
    return readout(own, cell, r)[0]


def stated(params, episode, cell, weights, silence):
    """The stated loss [P][C], by places picked out."""
    made = []
    for p in range(len(params.tau_PN)):
        row = []
        for c in range(weights.w_PCNN.shape[1]):
            z = alone(params, episode, cell, weights, p, c)
            wrong = (z - episode.target_PBTO[p])[episode.mask_PBTO[p]]
            first = float((z[:, 0] ** 2).mean())
            row.append(float((wrong**2).mean()) + float(silence[p]) * first)
        made.append(row)
    return torch.tensor(made, dtype=torch.float64)


def single(leaves):
    values = [
        t.float() if isinstance(t, torch.Tensor) and t.is_floating_point() else t
        for t in leaves
    ]
    return type(leaves)(*values)


@pytest.mark.parametrize("form", ["current", "rate"])
def test_losses_are_the_stated_ones_of_each_candidate_alone(
    form, searched, normal_weights
):
    """By plain torch, and by the kernel within rounding."""
    params, episode, cell = searched
    cell = cell._replace(form=form)
    given = around(params, normal_weights(4))
    expected = stated(params, episode, cell, given, SILENCE)
    first = torch.stack([alone(params, episode, cell, given, p, 0) for p in range(2)])
    loss, output = evaluated(params, given, episode, cell, SILENCE)
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=0.0)
    torch.testing.assert_close(output, first, rtol=1e-10, atol=1e-12)
    loss, output = evaluated(
        single(params), single(given), single(episode), cell, SILENCE.float()
    )
    torch.testing.assert_close(loss.double(), expected, rtol=1e-4, atol=0.0)
    torch.testing.assert_close(output.double(), first, rtol=1e-4, atol=1e-5)


def test_one_scored_step_and_silence_are_the_published_loss(searched):
    """(z(T) - y)^2 + z(1)^2, McMahan et al.'s, of a network with one output."""
    params, episode, cell = searched
    params = params._replace(
        wout_PON=params.wout_PON[:, :1], wfb_PNO=params.wfb_PNO[..., :1]
    )
    last = torch.zeros_like(episode.mask_PBTO[..., :1])
    last[:, :, -1] = True
    target = episode.target_PBTO[..., :1]
    episode = episode._replace(mask_PBTO=last, target_PBTO=target)
    own = candidate(params)
    loss, z = evaluated(params, own, episode, cell, torch.ones_like(SILENCE))
    published = (z[:, :, -1] - target[:, :, -1]) ** 2 + z[:, :, 0] ** 2
    torch.testing.assert_close(loss[:, 0], published.mean((1, 2)))


def test_a_candidate_that_blows_up_has_the_largest_loss(searched, normal_weights):
    params, episode, cell = searched
    given = around(params, normal_weights(2))
    given.w_PCNN[1, 2, 0, 0] = float("nan")
    expected = evaluated(params, around(params, normal_weights(2)), episode, cell,
                         SILENCE)[0]  # fmt: skip
    for leaves in (lambda x: x, single):
        loss, _ = evaluated(
            leaves(params), leaves(given), leaves(episode), cell,
            SILENCE.to(leaves(params).w_PNN.dtype),
        )  # fmt: skip
        assert loss[1, 2] == torch.inf
        expected[1, 2] = torch.inf
        torch.testing.assert_close(loss.double(), expected, rtol=1e-4, atol=0.0)


def test_each_candidate_keeps_the_masks_and_signs_of_its_own_network(
    searched, normal_weights
):
    params, _, _ = searched
    params = params._replace(sign_PN=params.sign_PN * torch.tensor([[1.0], [-1.0]]))
    given = around(params, normal_weights(3))
    got = allowed(params, given)
    for c in range(4):
        one = project(params._replace(w_PNN=given.w_PCNN[:, c])).w_PNN
        assert torch.equal(got.w_PCNN[:, c], one)
    assert not torch.equal(got.w_PCNN, given.w_PCNN)
    assert torch.equal(got.win_PCNI, given.win_PCNI)


def test_draws_are_standard_normal_and_of_one_network_and_trial(planned):
    members = planned(
        rule={"name": "genetic", "candidates": 41}, count=2, network={"units": 30}
    )
    (config, seed), other = (members[0].config, members[0].seed), members[1].seed
    one = _candidates.normal_draws(config, seed, 500, 40)
    assert {k: v.shape for k, v in one.items()} == {
        "w": (40, 30, 30), "win": (40, 30, config.task.inputs), "wout": (40, 1, 30),
    }  # fmt: skip
    flat = one["w"].ravel()
    assert abs(flat.mean()) < 4 / np.sqrt(flat.size)
    assert abs(flat.std() - 1) < 4 / np.sqrt(2 * flat.size)
    fewer = _candidates.normal_draws(config, seed, 500, 7)
    later = _candidates.normal_draws(config, seed, 501, 40)
    others = _candidates.normal_draws(config, other, 500, 40)
    for name, numbers in one.items():
        np.testing.assert_array_equal(fewer[name], numbers[:7])
        for some in (later, others):
            assert abs(np.corrcoef(some[name].ravel(), numbers.ravel())[0, 1]) < 0.2
    parent = genetic.draws(config, seed, 500)["parent"]
    assert parent.shape == (40,) and set(parent) == set(range(5))


def test_an_output_unit_has_no_readout_weights_to_draw(planned):
    rule, net = {"name": "evolution_strategies"}, {"readout": {"kind": "unit"}}
    member = planned(rule=rule, network=net)[0]
    drawn = _candidates.normal_draws(member.config, member.seed, 0, 1)
    assert set(drawn) == {"w", "win"}
    some = {name: torch.zeros(1, *shape) for name, shape in
            (("w", (1, 200, 200)), ("win", (1, 200, 5)))}  # fmt: skip
    params = draw([member.config.network], [member.config.task], [member.seed])
    assert _candidates.normals(params, some).wout_PCON is None
    assert (
        each(torch.neg, CandidateWeights(torch.ones(1), torch.ones(1), None))[2] is None
    )


@pytest.mark.parametrize("name", ["genetic", "evolution_strategies"])
def test_a_network_with_an_output_unit_and_feedback_are_searched_too(name, planned):
    from popnet.engine.train import advance, begin

    for net in ({"readout": {"kind": "unit"}}, {"feedback": 0.5}):
        members = planned(
            rule={"name": name, "batch_trials": 2}, network={"units": 8, **net},
            task={"name": "random_dots", "stimulus_s": 0.02, "response_s": 0.01},
            train={"trials": 4, "until": None},
        )  # fmt: skip
        (done,) = advance(begin(members, torch.device("cpu"))[0], 9)[1]
        assert done.status == "trained" and done.trials == 4
        assert not torch.equal(done.final.win_PNI, done.initial.win_PNI)


PARTS = {"recurrent": "w_PNN", "input": "win_PNI", "readout": "wout_PON"}


@pytest.mark.parametrize("trains", [("recurrent",), ("readout", "input")])
@pytest.mark.parametrize("name", ["genetic", "evolution_strategies"])
def test_what_is_not_trained_keeps_every_bit(name, trains, planned):
    """Also under weight decay."""
    from popnet.engine.train import advance, begin

    rule = {"name": name, "batch_trials": 2, "trains": list(trains)}
    rule |= {"weight_decay": 0.1} if name == "evolution_strategies" else {}
    members = planned(
        rule=rule, network={"units": 8}, train={"trials": 4, "until": None},
        task={"name": "random_dots", "stimulus_s": 0.02, "response_s": 0.01},
    )  # fmt: skip
    drawn = _candidates.normal_draws(members[0].config, members[0].seed, 0, 3)
    assert len(drawn) == len(trains)
    (done,) = advance(begin(members, torch.device("cpu"))[0], 9)[1]
    for part, leaf in PARTS.items():
        same = torch.equal(getattr(done.final, leaf), getattr(done.initial, leaf))
        assert same == (part not in trains), part
