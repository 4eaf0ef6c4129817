"""The compiled learning steps against the plain torch ones in float64."""

import pytest
import torch

from popnet.engine.episodes import training_batch
from popnet.engine.population import start
from popnet.rules import RULES
from popnet.tasks import TASKS

TASK = {"name": "dnms", "stimulus_s": 0.03, "delay_s": 0.02, "wait_s": 0.01,
        "response_s": 0.03}  # fmt: skip
TRIALS = 12
ROUNDING = 4e-5
"""Weights after 12 trials of 120 steps, relative to the largest change: a few dozen
roundings a trial through the cubed trace; measured: up to 2e-5."""


@pytest.fixture
def prepared(planned):
    """(population, its next TRIALS trials); ``case``: sections of the sweep file."""

    def make(case, count=2, units=27):
        rule = {"name": "reward_hebbian", "wait_trials": 3, **case.get("rule", {})}
        network = {"units": units, **case.get("network", {})}
        task = case.get("task", TASK)
        members = planned(task=task, count=count, rule=rule, network=network)
        population = start(members, torch.device("cpu"))
        tau, none = population.params.tau_PN, torch.zeros(count).long()
        return population, training_batch(members, none, tau, TRIALS)

    return make


def learned(population, episode, like=lambda leaves: leaves):
    """Parameters, state and outcome after these trials; ``like`` sets the precision."""
    config = population.config
    names, values = zip(*population.hyper.items(), strict=True)
    hyper = dict(zip(names, like(values), strict=True))
    return RULES["reward_hebbian"].step(
        like(population.params), like(population.state), like(episode), config.rule,
        hyper, population.cell, TASKS[config.task.name].score,
    )  # fmt: skip


CASES = [
    {},
    {"rule": {"error_factor": False, "trace": "signed_square"}},
    {"rule": {"trace": "node_perturbation", "max_update": 1.0}},
    {"rule": {"trace": "node_perturbation", "skip_s": 0.0},
     "network": {"noise": {"recurrent": 0.1}}},
    {"rule": {"max_update": 1e-5}},
    {"rule": {"max_update": 1.0}},
    {"rule": {"exploration": {"rate_hz": 30.0, "into": "state"}}},
    {"rule": {"exploration": {"rate_hz": 0.0}, "skip_s": 0.07}},
    {"network": {"noise": {"recurrent": 0.1, "input": 0.05}}},
    {"network": {"density": 0.5, "autapses": False}},
    {"network": {"dale": {"excitatory": 0.7}}},
    {"network": {"readout": {"kind": "linear"}, "bias": {"mean": 0.1}}},
    {"task": {"name": "flipflop", "trial_s": 0.08},
     "network": {"readout": {"kind": "linear"}, "clamped": {}}},
    {"network": {"nonlinearity": "one_plus_tanh", "gain": 0.9}},
    {"network": {"tau_s": {"mean": 0.03, "half_width": 0.6}, "slope": {"mean": 1.2}}},
    *({"network": {"dt_s": dt}, "rule": {"trace": trace}}
      for dt in (0.0005, 0.005) for trace in ("cube", "signed_square")),
    {"network": {"dt_s": 0.002}, "rule": {"trace": "node_perturbation"}},
    {"network": {"dt_s": 0.0005}, "rule": {"trace_every_s": 0.003, "skip_s": 0.007}},
    {"network": {"dt_s": 0.01}, "rule": {"skip_s": 0.017}},
    *({"network": {"clamped": {2: 0.5}, "units": n}} for n in (5, 15, 16, 65)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_dozen_trials_are_the_reference_within_rounding(case, prepared, in_double):
    population, episode = prepared(case)
    fast, fast_state, fast_outcome = learned(population, episode)

    slow, slow_state, slow_outcome = learned(population, episode, in_double)
    change = float((slow.w_PNN - population.params.w_PNN).abs().max())
    assert change > 0, "nothing was learned, so nothing was compared"
    deviation = float((fast.w_PNN - slow.w_PNN).abs().max())
    assert deviation <= ROUNDING * max(change, 0.01)
    for a, b in zip(fast_state, slow_state, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=0.0, atol=2e-4)
    torch.testing.assert_close(
        fast_outcome.error_PB.double(), slow_outcome.error_PB, rtol=0.0, atol=2e-4
    )
    assert torch.equal(fast_outcome.correct_PB, slow_outcome.correct_PB)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("trace", ["cube", "signed_square", "node_perturbation"])
@pytest.mark.parametrize("readout", ["unit", "linear"])
def test_a_network_that_diverges_looks_diverged_and_disturbs_nobody(
    value, trace, readout, prepared
):
    case = {"rule": {"trace": trace}, "network": {"readout": {"kind": readout}}}
    population, episode = prepared(case, count=3)
    clean, clean_state, clean_outcome = learned(population, episode)
    episode.input_PBTI[1, 6, 10, 1] = value
    broken, broken_state, outcome = learned(population, episode)
    well = torch.tensor([0, 2])
    assert torch.equal(broken.w_PNN[well], clean.w_PNN[well])
    for a, b in zip(broken_state, clean_state, strict=True):
        assert torch.equal(a[well], b[well])
    assert torch.equal(outcome.error_PB[well], clean_outcome.error_PB[well])
    assert torch.equal(outcome.error_PB[1, :6], clean_outcome.error_PB[1, :6])
    assert bool(outcome.error_PB[1, 6:].isnan().all()), "from that trial on"
    assert not bool(outcome.correct_PB[1, 6:].any())
    assert bool(broken.w_PNN[1].isnan().any())


def test_arguments_are_left_as_they_were(prepared):
    population, episode = prepared({})
    given = [
        *population.params,
        *population.state,
        *episode,
        *population.hyper.values(),
    ]
    given = [leaf for leaf in given if isinstance(leaf, torch.Tensor)]
    kept = [leaf.clone() for leaf in given]
    after, _, _ = learned(population, episode)
    assert not torch.equal(after.w_PNN, population.params.w_PNN)
    assert all(torch.equal(a, b) for a, b in zip(given, kept, strict=True))
