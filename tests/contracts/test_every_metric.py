"""Every metric in the registry is what it declares."""

import pytest

from popnet.metrics import METRICS
from popnet.testing import METRIC_CHECKS


@pytest.mark.parametrize("check", METRIC_CHECKS)
@pytest.mark.parametrize("name", METRICS)
def test_metric(name, check):
    METRIC_CHECKS[check](name)
