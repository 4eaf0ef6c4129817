"""Each check of perturbations refuses one that is not what it declares."""

from typing import ClassVar, Literal

import pytest
import torch

from popnet.config import PerturbationSettings
from popnet.perturbations import PERTURBATIONS, Perturbation
from popnet.testing import PERTURBATION_CHECKS, check_perturbation


class Sound(PerturbationSettings):
    """Weaker recurrent weights."""

    reference: ClassVar[str] = "this test"
    summary: ClassVar[str] = "weaker recurrent weights"
    unit: ClassVar[str] = "share taken away"
    changes: ClassVar[frozenset[str]] = frozenset({"recurrent weights"})
    name: Literal["made_up"] = "made_up"
    levels: tuple[float, ...] = (0.0, 0.2, 0.5)


def weaker(situation, by, leaf="w_PNN"):
    weights = {leaf: getattr(situation.params, leaf) * (1 - by)}
    return situation._replace(params=situation.params._replace(**weights))


def apply(settings, level, situation, seed):
    return weaker(situation, level)


def always(settings, level, situation, seed):
    return weaker(situation, level + 0.1)


def at_one_strength(settings, level, situation, seed):
    return weaker(situation, 0.3 if level else 0.0)


def time_constants_too(settings, level, situation, seed):
    return weaker(weaker(situation, level), level / 10, "tau_PN")


def unseeded(settings, level, situation, seed):
    return weaker(situation, level * float(torch.rand(())))


def of_the_gain(settings, level, situation, seed):
    return weaker(situation, level * min(situation.config.network.gain, 1))


def in_steps(settings, level, situation, seed):
    return weaker(situation, level * situation.config.network.dt_s / 0.001)


def in_place(settings, level, situation, seed):
    situation.params.w_PNN.mul_(1 - level)
    return situation


def in_float64(settings, level, situation, seed):
    params = situation.params
    return situation._replace(params=params._replace(bias_PN=params.bias_PN.double()))


class Remembers:
    """Depends on how often it was called with this network."""

    def __init__(self):
        self.last = None

    def __call__(self, _, level, situation, seed):
        fresh = self.last is None or self.last == seed
        self.last = seed
        return weaker(situation, level if fresh else level / 2)


def declaring(**declared):
    return Perturbation(type("Declared", (Sound,), declared), apply)


class WithoutZero(Sound):
    levels: tuple[float, ...] = (0.2, 0.5)


BROKEN = {
    "level 0 is the identity": Perturbation(Sound, always),
    "each level changes something else": Perturbation(Sound, at_one_strength),
    "at its top it changes every kind of network": Perturbation(Sound, of_the_gain),
    "changes what it declares alone": Perturbation(Sound, time_constants_too),
    "the same again": Perturbation(Sound, unseeded),
    "does the same at half the time step": Perturbation(Sound, in_steps),
    "networks do not depend on each other": Perturbation(Sound, Remembers()),
    "the network itself is left as it was": Perturbation(Sound, in_place),
    "shapes and types stay": Perturbation(Sound, in_float64),
    "levels hold the identity and a unit": Perturbation(WithoutZero, apply),
}


@pytest.fixture
def made_up(monkeypatch):
    """Puts a perturbation into the registry."""
    return lambda made: monkeypatch.setitem(PERTURBATIONS.own, "made_up", made)


def test_each_check_is_tried_here(made_up):
    assert set(BROKEN) == set(PERTURBATION_CHECKS)
    made_up(Perturbation(Sound, apply))
    check_perturbation("made_up")


@pytest.mark.parametrize("check", PERTURBATION_CHECKS)
def test_it_refuses_a_broken_perturbation(check, made_up):
    made_up(BROKEN[check])
    with pytest.raises(AssertionError):
        PERTURBATION_CHECKS[check]("made_up")


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (set(), r"at level 0\.2 it changes \['recurrent weights'\] too"),
        ({"recurrent weights", "biases"}, r"it leaves \['biases'\] unchanged"),
        ({"recurrent weights", "mood"}, r"no parts of a situation: \['mood'\]"),
    ],
)
def test_what_changes_has_to_be_declared(declared, message, made_up):
    made_up(declaring(changes=frozenset(declared)))
    with pytest.raises(AssertionError, match=message):
        PERTURBATION_CHECKS["changes what it declares alone"]("made_up")


def test_small_levels_may_be_declared_to_do_nothing(made_up):
    def from_a_half(settings, level, situation, seed):
        return weaker(situation, level if level >= 0.5 else 0)

    made = Perturbation(Sound, from_a_half)
    made_up(made)
    check = PERTURBATION_CHECKS["each level changes something else"]
    with pytest.raises(AssertionError, match=r"levels 0 and 0\.2 do the same"):
        check("made_up")
    made_up(made._replace(settings=type("Late", (Sound,), {"effective_from": 0.5})))
    check("made_up")


def test_a_small_network_that_it_refuses_is_told(made_up):
    refused = {"refuse": lambda *_: "levels: not here"}
    made_up(declaring(**refused))
    with pytest.raises(AssertionError, match="small network is refused: levels: not"):
        PERTURBATION_CHECKS["the same again"]("made_up")
