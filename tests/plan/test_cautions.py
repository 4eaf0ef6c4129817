"""What a plan says aloud before anything is trained."""

import pytest
import torch

from popnet.core.cell import NONLINEARITIES
from popnet.plan import cautions
from popnet.plan.cautions import SIGNED

DALE = {"excitatory": 0.8}


def test_the_nonlinearities_that_are_named_are_those_of_negative_rates():
    x = torch.linspace(-20, 20, 4001, dtype=torch.float64)
    signed = {n for n, (phi, _) in NONLINEARITIES.items() if float(phi(x).min()) < 0}
    assert set(SIGNED) == signed


@pytest.mark.parametrize("nonlinearity", NONLINEARITIES)
@pytest.mark.parametrize("dale", [None, DALE])
def test_dale_s_law_with_rates_that_can_be_negative_is_said(
    nonlinearity, dale, plan_of
):
    network = {"nonlinearity": nonlinearity, "dale": dale}
    said = cautions(plan_of(rule={"name": "bptt"}, network=network))
    assert len(said) == (dale is not None and nonlinearity == "tanh")
    for sentence in said:
        assert sentence.startswith("network.dale: the weights keep their signs")
        assert "rates of tanh can be negative" in sentence and "\n" not in sentence
        assert "network.nonlinearity: relu" in sentence, "and what to do"


def test_of_a_grid_it_is_said_once_and_of_how_many_conditions(plan_of):
    plan = plan_of(
        rule={"name": "bptt"}, network={"nonlinearity": "tanh"},
        grid={"network.dale": [None, DALE], "network.gain": [1.0, 1.5, 2.0]},
    )  # fmt: skip
    (said,) = cautions(plan)
    assert said.startswith("network.dale in 3 of 6 conditions: ")
