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


@pytest.mark.parametrize("rate", [1e-3, 1e-2])
def test_trained_time_constants_move_by_a_ninth_in_100_steps_by_default(planned, rate):
    """Whatever the rate of the weights is; e^0.1 = 1.105, 100 steps of Adam at 1e-3."""
    (member,) = planned(
        rule={"name": "bptt", "learning_rate": rate, "batch_trials": 8, "trains": ALL},
        task={"name": "delayed_response", "stimulus_s": 0.05, "delay_s": 0.05,
              "response_s": 0.05},
        network={"units": 30, "dt_s": 0.005,
                 "tau_s": {"mean": 0.03, "law": "uniform", "spread": 0.3}},
        train={"trials": 800, "until": None},
    )  # fmt: skip
    (population,) = begin([member], torch.device("cpu"))
    _, (result,) = advance(population, 100)
    change = (result.final.tau_PN / result.initial.tau_PN).log().abs()
    assert 0.01 < float(change.max()) < 0.12
    moved = result.final.w_PNN - result.initial.w_PNN
    assert float(moved.abs().max()) > 10 * rate, "the weights learn"


def test_bounds_of_trained_time_constants_are_settings(planned):
    trained = {"name": "bptt", "trains": ["time_constants"]}
    for given, network, expected in (
        ({}, {"tau_s": 0.03}, (0.002, 1.0)),
        ({"tau_min_s": 0.01, "tau_max_s": 0.1}, {"tau_s": 0.03}, (0.01, 0.1)),
        ({}, {"tau_s": 0.03, "dt_s": 0.005}, (0.01, 1.0)),
    ):
        (member,) = planned(rule={**trained, **given}, network=network)
        rule = member.config.rule
        assert (rule.tau_min_s, rule.tau_max_s) == expected
    (population,) = begin([member], torch.device("cpu"))
    assert float(population.hyper["tau_min_s"]) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("rule", "network", "text"),
    [
        ({"tau_min_s": 0.0005}, {}, r"rule\.tau_min_s: got 0\.0005; at least net"),
        ({"tau_min_s": 0.2, "tau_max_s": 0.1}, {}, r"must be below tau_max_s, 0\.1"),
        ({}, {"tau_s": 1.5}, r"rule\.tau_max_s: got 1; the mean of network\.tau"),
        ({"tau_min_s": 0.05}, {"tau_s": 0.03}, r"rule\.tau_min_s: got 0\.05; the mean"),
        ({"trains": ["bias"], "tau_max_s": 0.5}, {}, "is of trained time_constants"),
        ({"trains": None, "tau_learning_rate": 0.5}, {}, "tau_learning_rate: is"),
    ],
)  # fmt: skip
def test_bounds_that_cannot_be_kept_are_refused(rule, network, text, planned):
    given = {"name": "bptt", "trains": ["time_constants"], **rule}
    with pytest.raises(ConfigError, match=text):
        planned(rule=given, network=network)


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
