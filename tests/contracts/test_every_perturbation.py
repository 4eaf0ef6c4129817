"""What every perturbation in the registry must do."""

import pytest
import torch

from popnet.engine.evaluate import run
from popnet.engine.population import untrained
from popnet.perturbations import PERTURBATIONS, resting

CPU = torch.device("cpu")
TASK = {"name": "dnms", "stimulus_s": 0.02, "delay_s": 0.02, "wait_s": 0.02,
        "response_s": 0.02}  # fmt: skip
GIVEN = {"epoch_durations": {"epoch": "delay"}, "new_time_constants": {"spread": 0.5}}
"""Settings without a default."""

pytestmark = pytest.mark.parametrize("name", PERTURBATIONS)


@pytest.fixture(params=["current", "rate"])
def networks(request, planned):
    """Untrained networks at rest with their seeds."""
    members = planned(
        task=TASK,
        rule="bptt" if request.param == "rate" else "reward_hebbian",
        count=3,
        network={
            "units": 24,
            "density": 0.8,
            "tau_s": {"spread": 0.3},
            "form": request.param,
        },
    )
    return [(resting(untrained([m], CPU), m.config), m.seed) for m in members]


def settings_of(name):
    return PERTURBATIONS[name].settings(**GIVEN.get(name, {}))


def perturbed(name, level, situation, seed):
    return PERTURBATIONS[name].apply(settings_of(name), level, situation, seed)


def outputs(name, level, situation, seed):
    return run(perturbed(name, level, situation, seed), seed, 3).output_PBTO


def test_level_0_is_the_identity_bit_for_bit(name, networks):
    for situation, seed in networks:
        rest = run(situation, seed, 3)
        same = run(perturbed(name, 0.0, situation, seed), seed, 3)
        for a, b in zip(rest[:3], same[:3], strict=True):
            assert torch.equal(a, b)


def test_each_level_changes_something_else(name, networks):
    situation, seed = networks[0]
    made = [outputs(name, level, situation, seed) for level in settings_of(name).levels]
    for i, one in enumerate(made):
        for other in made[i + 1 :]:
            assert one.shape != other.shape or not torch.equal(one, other)


def test_the_same_again(name, networks):
    situation, seed = networks[0]
    level = settings_of(name).levels[-1]
    once, again = (outputs(name, level, situation, seed) for _ in range(2))
    assert torch.equal(once, again)


def test_order_of_the_networks_does_not_matter(name, networks):
    level = settings_of(name).levels[-1]
    there = [outputs(name, level, *network) for network in networks]
    back = [outputs(name, level, *network) for network in reversed(networks)]
    for a, b in zip(there, reversed(back), strict=True):
        assert torch.equal(a, b)


def test_the_network_itself_is_left_as_it_was(name, networks):
    situation, seed = networks[0]
    before = [None if t is None else t.clone() for t in situation.params]
    perturbed(name, settings_of(name).levels[-1], situation, seed)
    for a, b in zip(before, situation.params, strict=True):
        assert a is b is None or torch.equal(a, b)


def test_shapes_and_types_stay(name, networks):
    situation, seed = networks[0]
    new = perturbed(name, settings_of(name).levels[-1], situation, seed).params
    for a, b in zip(new, situation.params, strict=True):
        assert a is b is None or (a.shape, a.dtype) == (b.shape, b.dtype)
        assert a is None or bool(a.isfinite().all())


def test_default_levels_hold_the_identity_and_say_their_unit(name):
    settings = settings_of(name)
    assert 0.0 in settings.levels and len(set(settings.levels)) == len(settings.levels)
    assert list(settings.levels) == sorted(settings.levels)
    assert settings.name == name
    assert settings.unit and settings.summary and settings.reference
