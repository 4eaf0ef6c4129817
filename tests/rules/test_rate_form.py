"""Rules in the rate form: RFLO against the paper's traces, gradients by autograd."""

import numpy as np
import pytest
import torch
from helpers.plain_loop import F64, NAMES, close, error_of

from popnet.config import ConfigError
from popnet.core.cell import NONLINEARITIES
from popnet.core.impulses import dense
from popnet.core.scoring import tracking
from popnet.engine.episodes import training_batch
from popnet.engine.population import start
from popnet.rules import RULES
from popnet.rules.bptt import Penalties, loss_gradients
from popnet.rules.rflo import RFLO
from popnet.seeding import Seed

SUPPORT = ("bptt", "rflo", "policy_gradient", "genetic", "evolution_strategies")
HELD = 2
"""The clamped unit of ``searched``, at 0.5."""


@pytest.fixture
def world(searched):
    """(Params, Episode, Cell) in the rate form: time constants, noise, impulses."""
    params, episode, cell = searched
    params = params._replace(mask_PNN=None, sign_PN=None, wfb_PNO=None)
    return params, episode, cell._replace(form="rate", nonlinearity="softplus")


def states(params, episode, cell, cut):
    """h and v by a plain loop that autograd can follow; ``cut``: not through W h."""
    phi, _ = NONLINEARITIES[cell.nonlinearity]
    slope, threshold = params.slope_PN[:, None], params.threshold_PN[:, None]
    a, steps = cell.dt_s / params.tau_PN[:, None], episode.input_PBTI.shape[2]
    outside = torch.einsum("pik,pbtk->pbti", params.win_PNI, episode.input_PBTI)
    outside = outside + episode.noise_PBTN + params.bias_PN[:, None, None]
    outside = outside + torch.tensor(dense(episode.impulses[0][0], steps, a.shape[2]))
    free = torch.ones(a.shape[2], dtype=F64)
    free[HELD] = 0
    hs, vs = [episode.x0_PBN * free + 0.5 * (1 - free)], []
    for t in range(steps):
        h = hs[-1].detach() if cut else hs[-1]
        vs.append(torch.einsum("pij,pbj->pbi", params.w_PNN, h) + outside[:, :, t])
        h = (1 - a) * hs[-1] + a * phi(slope * (vs[-1] - threshold))
        hs.append(free * h + 0.5 * (1 - free))
    return torch.stack(hs, 2), torch.stack(vs, 2)


def no_penalty(rate_penalty=0.0):
    zero_P = torch.zeros(2, dtype=F64)
    return Penalties(zero_P, zero_P, zero_P + rate_penalty)


def watching(params):
    leaves = {n: getattr(params, n).clone().requires_grad_() for n in NAMES}
    return params._replace(**leaves), list(leaves.values())


@pytest.mark.parametrize("sent_by", ["readout", "feedback"])
def test_rflo_is_autograd_with_the_recurrent_path_cut(sent_by, world):
    params, episode, cell = world
    feedback = params.wout_PON
    if sent_by == "feedback":
        feedback = feedback.flip(2) - 0.3
    watched, leaves = watching(params)
    h, _ = states(watched, episode, cell, cut=True)
    wrong, count = error_of(watched, episode, h.detach())
    sent = torch.einsum("pbto,poi->pbti", (2 * wrong / count).detach(), feedback)
    loss = (wrong.square() / count).sum() + (sent * h[:, :, 1:]).sum()
    expected = torch.autograd.grad(loss, leaves)
    _, got = loss_gradients(params, episode, cell, no_penalty(), feedback)
    for name, value in zip(NAMES, expected, strict=True):
        close(getattr(got, name), value, name)
    assert not bool(got.w_PNN[:, HELD].any()), "a clamped unit learns nothing"


def test_bptt_is_autograd_through_all_of_it(world):
    params, episode, cell = world
    watched, leaves = watching(params)
    h, _ = states(watched, episode, cell, cut=False)
    wrong, count = error_of(watched, episode, h)
    loss = (wrong.square() / count).sum() + 0.3 * h[:, :, 1:].square().mean(
        (1, 2, 3)
    ).sum()
    expected = torch.autograd.grad(loss, leaves)
    output, got = loss_gradients(params, episode, cell, no_penalty(0.3))
    for name, value in zip(NAMES, expected, strict=True):
        close(getattr(got, name), value, name)
    z = torch.einsum("poi,pbti->pbto", params.wout_PON, h[:, :, 1:])
    torch.testing.assert_close(output, z, rtol=1e-12, atol=1e-12)


def online(params, episode, cell, feedback_PON, p):
    """Murray's traces of network ``p``, synapse by synapse, summed as time goes on."""
    h_PBSN, v_PBTN = states(params, episode, cell, cut=False)
    wrong, count = error_of(params, episode, h_PBSN)
    _, derivative = NONLINEARITIES[cell.nonlinearity]
    slope, threshold = params.slope_PN[p], params.threshold_PN[p]
    psi = (slope * derivative(slope * (v_PBTN[p] - threshold))).numpy()
    signal = ((2 * wrong / count)[p] @ feedback_PON[p]).numpy()
    a, h, u = cell.dt_s / params.tau_PN[p].numpy(), h_PBSN[p], episode.input_PBTI[p]
    trials, steps, units = psi.shape
    before = [h[:, :-1].numpy(), u.numpy(), np.ones((trials, steps, 1))]
    sums = [np.zeros((units, one.shape[2])) for one in before]
    for one, total in zip(before, sums, strict=True):
        for b, i, j in np.ndindex(trials, *total.shape):
            trace = 0.0
            for t in range(steps):
                trace = (1 - a[i]) * trace + a[i] * psi[b, t, i] * one[b, t, j]
                total[i, j] += signal[b, t, i] * trace
        total[HELD] = 0  # it does not move, whatever its weights
    return [torch.tensor(total) for total in sums]


def test_a_step_of_rflo_is_the_sum_of_the_online_traces(world):
    params, episode, cell = world
    settings = RFLO(trains=("recurrent", "input", "bias"))
    rate = torch.tensor([0.1, 0.02], dtype=F64)
    hyper = {"learning_rate": rate, "clip": torch.full_like(rate, torch.inf),
             "feedback_scale": torch.tensor([1.0, 2.0], dtype=F64)}  # fmt: skip
    seeds = [Seed(5, 0), Seed(5, 1)]
    state = RULES["rflo"].init(params, settings, hyper, 1, seeds)
    got, _, _ = RULES["rflo"].step(
        params, state, episode, settings, hyper, cell, tracking
    )
    for p in range(2):
        w, win, bias = online(params, episode, cell, state.feedback_PON, p)
        close((params.w_PNN - got.w_PNN)[p] / rate[p], w, "w_PNN")
        close((params.win_PNI - got.win_PNI)[p] / rate[p], win, "win_PNI")
        close((params.bias_PN - got.bias_PN)[p] / rate[p], bias[:, 0], "bias_PN")


@pytest.mark.parametrize("rule", SUPPORT)
def test_float32_on_the_cpu_is_the_same_network(rule, planned):
    """No kernel knows the rate form; one that ran it would run another network."""
    made = {}
    for dtype in ("float32", "float64"):
        members = planned(
            rule={"name": rule, "batch_trials": 3}, count=2,
            network={"units": 15, "dtype": dtype, "form": "rate",
                     "tau_s": {"mean": 0.03, "spread": 0.5}},
        )  # fmt: skip
        population = start(members, torch.device("cpu"))
        episode = training_batch(
            members, torch.zeros(2, dtype=torch.int64), population.params.tau_PN
        )
        made[dtype] = RULES[rule].step(
            population.params, population.state, episode, population.config.rule,
            population.hyper, population.cell, tracking,
        )  # fmt: skip
    (single, _, scores), (double, _, exact) = made["float32"], made["float64"]
    torch.testing.assert_close(scores.error_PB.double(), exact.error_PB)
    if rule in ("bptt", "rflo"):  # with the others a tie of losses may turn
        change = (single.w_PNN.double() - double.w_PNN).abs().max()
        assert float(change) < 1e-5


@pytest.mark.parametrize("rule", RULES)
def test_rules_say_which_form_they_are_for(rule, plan_of):
    default = plan_of(rule=rule).conditions[0].config.network.form
    assert default == ("rate" if rule == "rflo" else "current")
    if rule in SUPPORT:
        for form in ("current", "rate"):
            given = plan_of(rule=rule, network={"form": form})
            assert given.conditions[0].config.network.form == form
        return
    with pytest.raises(ConfigError) as caught:
        plan_of(rule=rule, network={"form": "rate"})
    assert f"rule {rule} " in str(caught.value)
    assert all(name in str(caught.value) for name in ("form: current", *SUPPORT))
