"""Preset ``matched``: all rules on the same networks, training the same part."""

import pytest
import torch

from popnet.engine.train import advance, begin
from popnet.rules import RULES

TASK = {"name": "random_dots", "stimulus_s": 0.1, "response_s": 0.02, "sigma": 0.1}
SMALL = {
    "genetic": {"candidates": 6, "parents": 2},
    "evolution_strategies": {"pairs": 3},
    "reward_hebbian": {"wait_trials": 0},
}
LEARNED = {"force": {"wout_PON"}, "full_force": {"w_PNN", "wout_PON"}}
"""By least squares, which need a readout that learns; the others change W alone."""


def trained(name, planned, **network):
    rule = {"name": name, "preset": "matched"} | SMALL.get(name, {})
    if "batch_trials" in RULES[name].settings.model_fields:
        rule["batch_trials"] = 4
    members = planned(
        rule=rule, task=TASK, network={"units": 16, "dt_s": 0.01, **network},
        train={"trials": 8, "until": None},
    )  # fmt: skip
    (done,) = advance(begin(members, torch.device("cpu"))[0], 9)[1]
    return members[0].config.network, done


@pytest.mark.parametrize("name", RULES)
def test_matched_networks_begin_alike_and_learn_the_same_part(name, planned):
    other_net, other = trained("bptt", planned)
    net, done = trained(name, planned)
    assert net.model_copy(update={"feedback": 0.0}) == other_net
    changed = set()
    for leaf, value in other.initial._asdict().items():
        mine, after = getattr(done.initial, leaf), getattr(done.final, leaf)
        if leaf == "wfb_PNO":
            assert (mine is not None) == (name == "force")
            continue
        assert (value is None and mine is None) or torch.equal(mine, value), leaf
        if mine is not None and not torch.equal(mine, after):
            changed.add(leaf)
    assert changed == LEARNED.get(name, {"w_PNN"})


@pytest.mark.parametrize("name", RULES)
def test_the_file_goes_before_the_preset(name, planned):
    net, _ = trained(name, planned, gain=0.7, nonlinearity="relu")
    assert (net.gain, net.nonlinearity) == (0.7, "relu")


def test_a_setting_given_goes_before_the_preset(planned):
    member = planned(rule={"name": "bptt", "preset": "matched", "trains": ["input"]})[0]
    assert member.config.rule.trains == ("input",)
    published = planned(rule="bptt")[0].config
    assert "readout" in published.rule.trains and published.network.gain == 1.5
