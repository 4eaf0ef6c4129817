"""The compiled learning steps against the plain torch ones in float64."""

import numpy as np
import pytest
import torch

from popnet.core.cell import Params
from popnet.core.kicks import dense
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


def learned(members, dtype):
    """Parameters, state and outcome after one step of TRIALS trials."""
    population = start(members, torch.device("cpu"))
    tau = population.params.tau_PN
    episode = training_batch(members, torch.zeros(len(members)).long(), tau, TRIALS)
    params, hyper, state = population.params, population.hyper, population.state
    if dtype == torch.float64:
        params = Params(*(None if t is None else t.double() for t in params))
        hyper = {k: v.double() for k, v in hyper.items()}
        state = type(state)(*(t.double() for t in state))
        episode = in_double(episode)
    config = members[0].config
    rule, score = RULES["reward_hebbian"], TASKS[config.task.name].score
    return params, rule.step(
        params, state, episode, config.rule, hyper, population.cell, score
    )


def in_double(episode):
    """The same trials in float64, the kicks as a dense current."""
    steps, units = episode.input_PBTI.shape[2], episode.x0_PBN.shape[2]
    current = torch.from_numpy(
        np.stack([[dense(k, steps, units) for k in row] for row in episode.kicks])
    ).double()
    if episode.current_PBTN is not None:
        current = current + episode.current_PBTN.double()
    return episode._replace(
        input_PBTI=episode.input_PBTI.double(), x0_PBN=episode.x0_PBN.double(),
        target_PBTO=episode.target_PBTO.double(), current_PBTN=current, kicks=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [
        {},
        {"rule": {"error_factor": False, "trace": "signed_square"}},
        {"rule": {"max_update": 1e-5}},
        {"rule": {"exploration": {"rate_hz": 30.0, "into": "state"}}},
        {"network": {"noise": {"recurrent": 0.1, "input": 0.05}}},
        {"network": {"density": 0.5, "autapses": False}},
        {"network": {"dale": {"excitatory": 0.7}}},
        {"network": {"readout": {"kind": "linear"}, "bias": {"mean": 0.1}}},
        {"network": {"nonlinearity": "one_plus_tanh", "gain": 0.9}},
        {"network": {"tau_s": {"mean": 0.03, "spread": 0.8}, "slope": {"mean": 1.2}}},
    ],
    ids=str,
)
def test_a_dozen_trials_are_the_reference_within_rounding(planned, case):
    members = planned(
        task=TASK, count=2,
        rule={"name": "reward_hebbian", "wait_trials": 3, **case.get("rule", {})},
        network={"units": 27, **case.get("network", {})},
    )  # fmt: skip
    before, (fast, fast_state, fast_outcome) = learned(members, torch.float32)
    _, (slow, slow_state, slow_outcome) = learned(members, torch.float64)
    change = float((slow.w_PNN - before.w_PNN.double()).abs().max())
    assert change > 0, "nothing was learned, so nothing was compared"
    deviation = float((fast.w_PNN.double() - slow.w_PNN).abs().max())
    assert deviation <= ROUNDING * max(change, 0.01)
    for a, b in zip(fast_state, slow_state, strict=True):
        torch.testing.assert_close(a.double(), b, rtol=0.0, atol=2e-4)
    torch.testing.assert_close(
        fast_outcome.error_PB.double(), slow_outcome.error_PB, rtol=0.0, atol=2e-4
    )
    assert torch.equal(fast_outcome.correct_PB, slow_outcome.correct_PB)
