"""Every rule in the registry is what it declares."""

import pytest

from popnet.rules import RULES
from popnet.testing import RULE_CHECKS


@pytest.mark.parametrize("check", RULE_CHECKS)
@pytest.mark.parametrize("name", RULES)
def test_rule(name, check):
    RULE_CHECKS[check](name)
