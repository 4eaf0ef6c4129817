"""Every measure in the registry is what it declares."""

import pytest

from popnet.measures import MEASURES
from popnet.testing import MEASURE_CHECKS


@pytest.mark.parametrize("check", MEASURE_CHECKS)
@pytest.mark.parametrize("name", MEASURES)
def test_measure(name, check):
    MEASURE_CHECKS[check](name)
