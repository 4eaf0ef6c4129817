"""Perturbations that could change nothing are refused, and grades have a stated end."""

import numpy as np
import pytest
from scipy import stats

import popnet as pn
from popnet.config import ConfigError
from popnet.perturbations import PERTURBATIONS


def perturbed(name, level, situation, seed, **given):
    settings, apply = PERTURBATIONS[name]
    return apply(settings(**given), level, situation, seed)


def test_new_time_constants_may_be_of_a_degree_of_the_group(rest):
    tau_s = {"mean": 0.03, "law": "mittal_narayanan", "degree": 1}
    situation, seed = rest(units=400, tau_s=tau_s)
    new = perturbed("new_time_constants", 1.0, situation, seed, degree=3).params.tau_PN
    law = stats.uniform(0.012, 0.036)
    assert stats.kstest(new[0].numpy(), law.cdf).pvalue > 1e-3
    for wrong in ({}, {"degree": 3, "spread": 0.1}):
        with pytest.raises(ValueError, match="give one of spread, half_width, degree"):
            PERTURBATIONS["new_time_constants"].settings(**wrong)


def test_time_constants_that_would_be_the_same_again_are_refused(rest):
    situation, seed = rest(tau_s=0.03)
    with pytest.raises(ValueError, match="would be the mean again"):
        perturbed("new_time_constants", 1.0, situation, seed, spread=0.0)
    varied, seed = rest(tau_s={"mean": 0.03, "spread": 0.2})
    new = perturbed("new_time_constants", 1.0, varied, seed, spread=0.0)
    assert (new.params.tau_PN == 0.03).all()


def test_networks_that_a_perturbation_leaves_as_they_are_are_not_tested_with_it():
    drawn = {
        "network": {"units": 20}, "networks": 1, "seed": 5,
        "grid": {"network.tau_s.spread": [0.0, 0.3]},
    }  # fmt: skip
    nets = pn.draw("dnms", **drawn)
    given = {"name": "new_time_constants", "spread": 0.0, "levels": [0, 1]}
    accuracy_PL, levels_L = pn.perturb(nets, given, trials=1)
    assert levels_L.tolist() == [0, 1]
    assert np.isnan(accuracy_PL).tolist() == [[True, True], [False, False]]
    alike = pn.draw("dnms", **{**drawn, "grid": {}})
    with pytest.raises(ConfigError, match="'new_time_constants' changes no network"):
        pn.perturb(alike, given, trials=1)


@pytest.mark.parametrize(
    ("rule", "network", "idle"),
    [
        ("force", {"gain": 0.0}, True),
        ("force", {}, False),
        ("full_force", {}, False),
        ({"name": "bptt", "trains": ["input", "readout"]}, {"gain": 0.0}, True),
        ({"name": "bptt"}, {"gain": 0.0}, False),
    ],
)
def test_jitter_is_refused_where_all_recurrent_weights_are_0(rule, network, idle):
    nets = pn.draw("delayed_response", rule=rule, network={"units": 10, **network})
    (member,) = nets.members
    why = PERTURBATIONS["synaptic_jitter"].settings().idle(member.config)
    assert (why is not None) == idle
    untrained = {"train": {"trials": 0, "until": None}}
    (member,) = pn.draw(
        "delayed_response", rule=rule, network={"units": 10, "gain": 0.0}, **untrained
    ).members
    assert PERTURBATIONS["synaptic_jitter"].settings().idle(member.config)


@pytest.mark.parametrize("name", PERTURBATIONS.own)
def test_every_perturbation_of_popnet_says_where_its_grades_end(name):
    settings = PERTURBATIONS[name].settings
    assert settings.limit is not None and settings.limit_reason
