"""BPTT in the engine: what its settings allow, and that it learns in seconds."""

import pytest
import torch

from popnet.config import ConfigError
from popnet.engine.train import advance, begin

ALL = ["recurrent", "input", "readout", "bias", "time_constants"]


def test_learns_to_hold_one_bit(planned):
    """Flip-flop, 1 bit, time constants trained too."""
    member, = planned(
        rule={"name": "bptt", "learning_rate": 0.01, "batch_trials": 16,
              "trains": ALL},
        task={"name": "flipflop", "bits": 1, "trial_s": 0.03},
        network={"units": 30, "tau_s": 0.002},
        train={"trials": 6000, "until": {"accuracy": 0.95, "window": 64}},
    )  # fmt: skip
    (population,) = begin([member], torch.device("cpu"))
    left, (result,) = advance(population, 10_000)
    assert left is None and result.status == "converged"
    assert result.curve_accuracy_C[0] < 0.5 < 0.95 <= result.final_accuracy
    assert not torch.equal(result.final.tau_PN, result.initial.tau_PN)


UNIT = {"units": 12, "readout": {"kind": "unit"}}
SMALL = {"name": "delayed_response", "stimulus_s": 0.01, "delay_s": 0.005,
         "response_s": 0.01}  # fmt: skip


def trains_of(planned, rule, **network):
    (member,) = planned(rule={"name": "bptt", **rule}, network=network)
    return member.config.rule.trains, member.key


def test_the_default_trains_a_readout_where_there_is_one(planned):
    four = ["recurrent", "input", "readout", "bias"]
    for given, network, expected in (
        ({}, {}, four),
        ({}, UNIT, ["recurrent", "input", "bias"]),
        ({"trains": None}, UNIT, ["recurrent", "input", "bias"]),
    ):
        got, key = trains_of(planned, given, **network)
        assert list(got) == expected
        spelt = {"trains": expected[::-1]}
        assert trains_of(planned, spelt, **network) == (got, key), "the same network"


def test_a_unit_readout_trains_in_the_engine(planned):
    members = planned(
        rule={"name": "bptt", "batch_trials": 4}, task=SMALL, network=UNIT,
        train={"trials": 8, "until": None},
    )  # fmt: skip
    (population,) = begin(members, torch.device("cpu"))
    _, (result,) = advance(population, 10)
    assert result.status == "trained" and result.trials == 8
    assert not torch.equal(result.final.w_PNN, result.initial.w_PNN)


@pytest.mark.parametrize("part", ALL)
def test_of_recurrent_noise_only_trained_time_constants_are_refused(part, planned):
    noisy = {"noise": {"recurrent": 0.1, "input": 0.1}}
    if part == "time_constants":
        with pytest.raises(ConfigError, match=r"rule\.trains: time_constants cannot"):
            trains_of(planned, {"trains": [part]}, **noisy)
        noisy["noise"]["recurrent"] = 0.0  # the noise of the input keeps its size
    assert trains_of(planned, {"trains": [part]}, **noisy)[0] == (part,)
