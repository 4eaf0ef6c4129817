"""A rule is refused in networks in which it does not declare to learn."""

from typing import ClassVar, Literal

import pytest

from popnet.config import Inconsistent, Network, RuleSettings


class Narrow(RuleSettings):
    forms: ClassVar[tuple[str, ...]] = ("current",)
    readouts: ClassVar[tuple[str, ...]] = ("linear",)
    takes_feedback: ClassVar[bool] = False
    name: Literal["narrow"] = "narrow"


class Wide(RuleSettings):
    name: Literal["wide"] = "wide"


LINEAR = {"readout": {"kind": "linear"}}


@pytest.mark.parametrize(
    ("given", "path", "message"),
    [
        ({"form": "rate"}, "network.form", "got rate; {}; use form: current"),
        ({"readout": {"kind": "unit"}}, "network.readout",
         "got unit; {}; use readout: {{kind: linear}}"),
        ({"feedback": 0.5}, "network.feedback", "got 0.5; {}; use feedback: 0"),
    ],
)  # fmt: skip
def test_what_is_not_declared_is_refused_with_what_is(given, path, message):
    network = Network(**{**LINEAR, "clamped": {}, **given})
    with pytest.raises(Inconsistent) as refused:
        Narrow().fitted(network)
    told = message.format("rule narrow does not learn in such a network")
    assert (refused.value.path, str(refused.value)) == (path, told)
    assert Wide().fitted(network) == Wide()


def test_what_is_declared_is_taken():
    assert Narrow().fitted(Network(**LINEAR, clamped={})) == Narrow()
