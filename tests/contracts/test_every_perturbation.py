"""Every perturbation in the registry is what it declares."""

import pytest

from popnet.perturbations import PERTURBATIONS
from popnet.testing import PERTURBATION_CHECKS


@pytest.mark.parametrize("check", PERTURBATION_CHECKS)
@pytest.mark.parametrize("name", PERTURBATIONS)
def test_perturbation(name, check):
    PERTURBATION_CHECKS[check](name)
