"""e-prop and RFLO against autograd with a path cut, and traces run forward in time."""

import math

import numpy as np
import pytest
import torch
from helpers.plain_loop import (
    ADAM,
    CELL,
    F64,
    NAMES,
    B,
    N,
    O,
    P,
    T,
    close,
    error_of,
    networks_and_trials,
    states,
    watching,
)

from popnet.core.cell import Params
from popnet.core.scoring import mean_error, tracking
from popnet.engine.episodes import training_batch
from popnet.engine.population import start
from popnet.rules import RULES
from popnet.rules.bptt import Penalties, loss_gradients
from popnet.rules.eprop import EProp
from popnet.rules.rflo import RFLO
from popnet.seeding import Seed

SEEDS = [Seed(5, number) for number in range(P)]
HYPER = {
    **ADAM,
    "clip": torch.tensor([10.0, 1e-3, 1.0], dtype=F64),
    "feedback_scale": torch.tensor([1.0, 0.5, 2.0], dtype=F64),
    "feedback_decay": torch.tensor([0.1, 0.02, 0.0], dtype=F64),
}
RANDOM, ADAPTIVE = EProp(feedback="random"), EProp(feedback="adaptive")


@pytest.fixture
def world():
    """Networks, trials and weights to send errors back by."""
    params, episode, normal = networks_and_trials()
    return params, episode, normal(P, O, N)


def local(params, episode, feedback_PON):
    none_P = torch.zeros(P, dtype=F64)
    penalties = Penalties(none_P, none_P, none_P)
    return loss_gradients(params, episode, CELL, penalties, feedback_PON)[1]


def test_symmetric_is_autograd_with_the_presynaptic_rate_detached(world):
    params, episode, _ = world
    watched, leaves = watching(params)
    wrong, count = error_of(watched, episode, states(watched, episode, cut=True)[1])
    loss = (wrong.square() / count).sum()
    expected = torch.autograd.grad(loss, list(leaves.values()))
    got = local(params, episode, params.wout_PON)
    for name, value in zip(NAMES, expected, strict=True):
        close(getattr(got, name), value, name)


def test_other_feedback_is_autograd_with_the_error_sent_by_it(world):
    params, episode, feedback = world
    watched, leaves = watching(params)
    r = states(watched, episode, cut=True)[1]
    wrong, count = error_of(watched, episode, r.detach())
    sent = torch.einsum("pbto,poi->pbti", (2 * wrong / count).detach(), feedback)
    loss = (wrong.square() / count).sum() + (sent * r[:, :, 1:]).sum()
    expected = torch.autograd.grad(loss, list(leaves.values()))
    got = local(params, episode, feedback)
    for name, value in zip(NAMES, expected, strict=True):
        close(getattr(got, name), value, name)
    assert not bool(got.w_PNN[:, 2].any()), "a clamped unit has no trace"


def test_traces_run_forward_in_time_give_the_same_sum(world):
    """As a synapse would do it, with a number for each weight and trial."""
    params, episode, feedback = world
    x, r = states(params, episode)
    wrong, count = error_of(params, episode, r)
    signal = torch.einsum("pbto,poi->pbti", 2 * wrong / count, feedback)
    a = (0.001 / params.tau_PN)[:, None, :, None]
    eps, dw = torch.zeros(P, B, N, N, dtype=F64), torch.zeros(P, N, N, dtype=F64)
    for t in range(T):
        eps = (1 - a) * eps + a * r[:, :, t, None, :]
        eps[:, :, 2] = 0
        moved = x[:, :, t + 1] - params.threshold_PN[:, None]
        slope = params.slope_PN[:, None]
        psi = slope / torch.cosh(slope * moved) ** 2
        dw += ((signal[:, :, t] * psi)[..., None] * eps).sum(1)
    close(local(params, episode, feedback).w_PNN, dw, "w_PNN")


def run(world, settings, steps=1, hyper=HYPER):
    params, episode, _ = world
    rule = RULES[settings.name]
    state = rule.init(params, settings, hyper, 1, SEEDS)
    for _ in range(steps):
        params, state, outcome = rule.step(
            params, state, episode, settings, hyper, CELL, tracking
        )
    return params, state, outcome


@pytest.mark.parametrize(
    ("settings", "leaves"),
    [
        (RFLO(), ("w_PNN", "win_PNI", "wout_PON")),
        (RFLO(trains=("bias",)), ("bias_PN",)),
        (EProp(optimiser="sgd"), ("w_PNN", "win_PNI", "wout_PON", "bias_PN")),
        (EProp(optimiser="sgd", feedback="random", trains=("input",)), ("win_PNI",)),
    ],
)
def test_a_plain_step_is_rate_times_the_clipped_gradient(settings, leaves, world):
    params, episode, _ = world
    state = RULES[settings.name].init(params, settings, HYPER, 1, SEEDS)
    own = state.feedback_PON
    by_leaf = local(params, episode, params.wout_PON if own is None else own)
    got, after, outcome = run(world, settings)
    assert own is None or torch.equal(after.feedback_PON, own)
    for p in range(P):
        gradient = [getattr(by_leaf, name)[p] for name in leaves]
        norm = math.sqrt(sum(float(g.square().sum()) for g in gradient))
        factor = float(HYPER["learning_rate"][p])
        factor *= min(1.0, float(HYPER["clip"][p]) / norm)
        for name, g in zip(leaves, gradient, strict=True):
            expected = getattr(params, name)[p] - factor * g
            close(getattr(got, name)[p], expected, name)
    for name in set(NAMES) - set(leaves):
        assert torch.equal(getattr(got, name), getattr(params, name)), name
    answers = torch.einsum("poi,pbti->pbto", params.wout_PON,
                           states(params, episode)[1][:, :, 1:])  # fmt: skip
    expected = mean_error(answers, episode.target_PBTO, episode.mask_PBTO)
    torch.testing.assert_close(outcome.error_PB, expected)


def test_symmetric_feedback_is_the_readout_as_it_learns(world):
    """Two plain steps, the second with the readout of the first."""
    once, _, _ = run(world, EProp(optimiser="sgd"))
    got, state, _ = run(world, EProp(optimiser="sgd"), steps=2)
    again, _, _ = run((once, *world[1:]), EProp(optimiser="sgd"))
    assert state.feedback_PON is None
    assert torch.equal(got.w_PNN, again.w_PNN)


def test_adaptive_feedback_comes_to_the_readout_by_its_decay_alone(world):
    """B - W_out shrinks by 1 - decay a step, whatever is learned."""
    params = world[0]
    first = RULES["eprop"].init(params, ADAPTIVE, HYPER, 1, SEEDS).feedback_PON
    got, state, _ = run(world, ADAPTIVE, steps=7)
    keep = (1 - HYPER["feedback_decay"])[:, None, None] ** 7
    close(state.feedback_PON - got.wout_PON, keep * (first - params.wout_PON), "B")
    assert not torch.equal(got.wout_PON[1], params.wout_PON[1])


def test_an_adaptive_step_is_a_random_one_with_a_decayed_readout(world):
    adaptive, _, _ = run(world, ADAPTIVE)
    random, _, _ = run(world, RANDOM)
    keep = (1 - HYPER["feedback_decay"])[:, None, None]
    close(adaptive.wout_PON, keep * random.wout_PON, "wout")
    assert torch.equal(adaptive.w_PNN, random.w_PNN)


@pytest.mark.parametrize(
    ("settings", "sd"),
    [(RANDOM, 0.5 / 400**0.5), (ADAPTIVE, 0.5 / 400**0.5), (RFLO(), 0.5 / 3**0.5)],
)
def test_feedback_is_drawn_by_its_law_for_each_network(settings, sd):
    units, seeds = 400, [Seed(1, 0), Seed(1, 1)]
    empty = torch.zeros(2, units)
    hyper = {"feedback_scale": torch.tensor([0.5, 0.5])}

    def drawn(outputs, which):
        wout = torch.zeros(len(which), outputs, units)
        leaves = (torch.zeros(len(which), 1, 1), wout[..., :1].mT, wout)
        params = Params(*leaves, *[empty[which]] * 4, None, None)
        own = {k: v[which] for k, v in hyper.items()}
        chosen = [seeds[i] for i in which]
        return RULES[settings.name].init(params, settings, own, 1, chosen).feedback_PON

    both = drawn(3, [0, 1])
    assert torch.equal(both[1:], drawn(3, [1])) and not torch.equal(both[0], both[1])
    error = 1 / math.sqrt(2 * both.numel())
    assert float(both.std()) / sd == pytest.approx(1, abs=4 * error)
    assert abs(float(both.mean())) < 4 * sd / math.sqrt(both.numel())


PERIODIC = {"name": "sum_of_sines", "trial_s": 0.1, "period_s": 0.1,
            "amplitudes": [1.0, 0.5, 0.0, 0.25], "pulse_s": 0.005}  # fmt: skip
"""The output that the published script of RFLO learns; there, it starts by itself."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "rule",
    [
        {"name": "rflo", "learning_rate": 0.1},
        {"name": "eprop", "learning_rate": 0.01, "batch_trials": 1},
    ],
    ids=lambda rule: rule["name"],
)
def test_learns_a_periodic_output_better_than_its_readout_alone(rule, planned):
    def last_error(**more):
        members = planned(
            rule={**rule, **more}, task=PERIODIC, count=4,
            network={"units": 30, "dt_s": 0.002, "gain": 1.5,
                     "tau_s": {"mean": 0.010, "half_width": 0.5}},
        )  # fmt: skip
        population, errors = start(members, torch.device("cpu")), []
        params, state = population.params, population.state
        settings = population.config.rule
        for trial in range(200):
            episode = training_batch(
                members, torch.full((4,), trial), population.params.tau_PN
            )
            params, state, outcome = RULES[settings.name].step(
                params, state, episode, settings, population.hyper, population.cell,
                tracking,
            )  # fmt: skip
            errors.append(float(outcome.error_PB.median()))
        return errors[0], np.mean(errors[-20:])

    before, after = last_error()
    _, readout_alone = last_error(trains=["readout"])
    assert after < 0.25 * before
    assert after < 0.75 * readout_alone
