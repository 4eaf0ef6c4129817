"""The compiled FORCE trials against the plain torch ones in float64."""

import pytest
import torch

from popnet.core.cell import pick
from popnet.engine.episodes import training_batch
from popnet.engine.population import start
from popnet.kernels.least_squares import FOLD
from popnet.rules import RULES
from popnet.rules.force import State
from popnet.tasks import TASKS

FORCE = RULES["force"]
TRIALS, STEPS = 4, 50
TASK = {"name": "flipflop", "bits": 2, "trial_s": STEPS / 1000, "pulse": 0.1}
ROUNDING = 2e-5
"""Largest deviation after 4 trials, relative to the largest value.  The network rounds
to 6e-8 at each of 50 steps, its tanh to 4e-7, and what is fed back carries both on:
measured up to 3e-6.  In least squares, in float64, they are only passed on."""


def drawn(planned, count=2, **given):
    """Networks at their start and their first trials."""
    rule = {"name": "force", **given.get("rule", {})}
    network = {"units": 27, **given.get("network", {})}
    members = planned(task=TASK, rule=rule, network=network, count=count)
    population = start(members, torch.device("cpu"))
    tau, first = population.params.tau_PN, torch.zeros(count).long()
    return population, training_batch(members, first, tau, TRIALS)


def learned(population, episode, params=None, state=None):
    config = population.config
    return FORCE.step(
        params or population.params, state or population.state, episode, config.rule,
        population.hyper, population.cell, TASKS["flipflop"].score,
    )  # fmt: skip


def in_double(leaves):
    floating = (torch.float32, torch.float64)
    return type(leaves)(
        *(t.double() if getattr(t, "dtype", None) in floating else t for t in leaves)
    )


def some(episode, trials):
    """The same networks' trials, some of them."""
    cut = [leaf if i in (4, 7) or leaf is None else leaf[:, trials]
           for i, leaf in enumerate(episode)]  # fmt: skip
    return type(episode)(*cut)._replace(impulses=None)


@pytest.mark.parametrize(
    "case",
    [
        {},
        {"rule": {"every_s": 0.001, "alpha": 0.1}},
        {"rule": {"every_s": 0.007, "alpha": 20.0}},
        {"rule": {"every_s": 0.0003}},
        {"network": {"feedback": 0.0, "readout": {"kind": "linear", "scale": 1.0}}},
        {"network": {"clamped": {1: 1.0, 9: -1.0}, "bias": {"mean": 0.1}}},
        {"network": {"noise": {"recurrent": 0.05, "input": 0.05}}},
        {"network": {"density": 0.4, "dale": {"excitatory": 0.7}}},
        {"network": {"nonlinearity": "one_plus_tanh", "gain": 0.5}},
        {"network": {"nonlinearity": "softplus", "gain": 0.5, "feedback": 0.2}},
        {"network": {"tau_s": {"spread": 0.4}, "slope": 1.2, "threshold": 0.1}},
        *(
            {"network": {"units": n}, "rule": {"every_s": 0.001}}
            for n in (1, 8, 9, 16, 33)
        ),
    ],
    ids=str,
)
def test_trials_are_the_reference_within_rounding(planned, case):
    assert STEPS > 2 * FOLD and STEPS % FOLD, "several foldings, and some are left"
    population, episode = drawn(planned, **case)
    fast, fast_state, got = learned(population, episode)
    slow, slow_state, expected = learned(
        population, in_double(episode), in_double(population.params)
    )
    w = population.params.wout_PON.double()
    assert float((slow.wout_PON - w).abs().max()) > 0.01, "nothing was learned"
    for name, a, b in (
        ("readout", fast.wout_PON, slow.wout_PON),
        ("P", fast_state.p_PNN, slow_state.p_PNN),
        ("error", got.error_PB, expected.error_PB),
    ):
        bound = ROUNDING * max(1.0, float(b.abs().max()))
        torch.testing.assert_close(a.double(), b, rtol=0.0, atol=bound, msg=name)
    assert torch.equal(got.correct_PB, expected.correct_PB)


@pytest.mark.parametrize("left_out", ["some steps", "one output"])
def test_only_scored_steps_and_outputs_are_learned_from(planned, left_out):
    population, episode = drawn(planned, rule={"every_s": 0.001})
    mask = episode.mask_PBTO.clone()
    if left_out == "some steps":
        mask[:, :, 10:31] = False
    else:
        mask[..., 1] = False
    episode = episode._replace(mask_PBTO=mask)
    fast, state, _ = learned(population, episode)
    slow, slow_state, _ = learned(
        population, in_double(episode), in_double(population.params)
    )
    torch.testing.assert_close(
        fast.wout_PON.double(), slow.wout_PON, rtol=0.0, atol=ROUNDING
    )
    torch.testing.assert_close(state.p_PNN, slow_state.p_PNN, rtol=0.0, atol=ROUNDING)
    assert bool(fast.wout_PON[:, 1].any()) is (left_out == "some steps")


def test_alone_is_in_a_crowd_bit_for_bit(planned):
    population, episode = drawn(planned, count=7)
    crowd = learned(population, episode)
    for which in ([2], [5, 1], [6, 3, 0, 2, 1, 5, 4]):
        i = torch.tensor(which)
        alone = learned(
            population, pick(episode._replace(impulses=None), i),
            pick(population.params, i), pick(population.state, i),
        )  # fmt: skip
        for whole, own in zip(crowd, alone, strict=True):
            for name, a, b in zip(whole._fields, whole, own, strict=True):
                assert b is a is None or torch.equal(a[i], b), name


def test_trials_at_once_are_trials_one_by_one_bit_for_bit(planned):
    population, episode = drawn(planned)
    together = learned(population, episode)
    params, state, outcomes = population.params, population.state, []
    for b in range(TRIALS):
        params, state, one = learned(
            population, some(episode, slice(b, b + 1)), params, state
        )
        outcomes.append(one)
    assert torch.equal(together[0].wout_PON, params.wout_PON)
    assert torch.equal(together[1].p_PNN, state.p_PNN)
    errors = torch.cat([one.error_PB for one in outcomes], 1)
    assert torch.equal(together[2].error_PB, errors)


def test_arguments_are_left_as_they_were(planned):
    population, episode = drawn(planned)
    given = [*population.params, *population.state, *episode[:7]]
    kept = [None if t is None else t.clone() for t in given]
    learned(population, episode)
    for a, b in zip(given, kept, strict=True):
        assert b is a is None or torch.equal(a, b)


@pytest.mark.parametrize("place", ["weights", "input", "inverse correlation"])
def test_a_network_that_diverges_looks_diverged_and_disturbs_nobody(planned, place):
    population, episode = drawn(planned, count=3)
    params, state = population.params, population.state
    clean = learned(population, episode)
    ill = {"weights": params.w_PNN, "input": episode.input_PBTI,
           "inverse correlation": state.p_PNN}[place].clone()  # fmt: skip
    ill[1, 2, 1] = float("nan")
    if place == "weights":
        params = params._replace(w_PNN=ill)
    elif place == "input":
        episode = episode._replace(input_PBTI=ill)
    else:
        state = State(ill)
    broken = learned(population, episode, params, state)
    for whole, own in zip(clean, broken, strict=True):
        for name, a, b in zip(whole._fields, whole, own, strict=True):
            assert b is a is None or torch.equal(a[[0, 2]], b[[0, 2]]), name
    assert bool(broken[0].wout_PON[1].isnan().any())
    assert bool(broken[2].error_PB[1, -1].isnan())


def test_p_stays_sound_through_a_hundred_thousand_updates(planned):
    """Symmetric, and (alpha I + sum r r')^-1 in its eigenvalues' bounds: a sum of n
    rates within +-1 is at most n N."""
    steps, alpha, n, blocks = 1000, 0.01, 20, 20
    (member,) = planned(
        task={"name": "flipflop", "bits": 1, "trial_s": 1.0, "pulse": 0.01},
        rule={"name": "force", "every_s": 0.001, "alpha": alpha}, network={"units": n},
    )  # fmt: skip
    population = start([member], torch.device("cpu"))
    tau, params, state = population.params.tau_PN, population.params, population.state
    for first in range(0, 5 * blocks, 5):
        episode = training_batch([member], torch.tensor([first]), tau, 5)
        params, state, _ = learned(population, episode, params, state)
    assert torch.equal(state.p_PNN, state.p_PNN.mT)
    eigenvalues = torch.linalg.eigvalsh(state.p_PNN[0])
    updates = 5 * blocks * steps
    assert updates == 100_000
    assert 1 / (alpha + updates * n) < float(eigenvalues.min())
    assert float(eigenvalues.max()) < 1 / alpha
    # the loudest direction: at least the mean square of the rates, over N of them
    assert float(eigenvalues.min()) < 1 / (updates * 0.01)
