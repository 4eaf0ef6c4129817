"""Networks at rest, about to be perturbed."""

import pytest
import torch

from popnet.engine.population import untrained
from popnet.perturbations import resting

CPU = torch.device("cpu")


@pytest.fixture
def rest(planned):
    """A network at rest, and its seed."""

    def make(**network):
        network = {"units": 60, "dtype": "float64", **network}
        (member,) = planned(network=network)
        params = untrained([member], CPU)
        return resting(params, member.config), member.seed

    return make
