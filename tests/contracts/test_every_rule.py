"""Every rule in the registry is what it declares."""

import pytest

from popnet.rules import RULES
from popnet.testing import RULE_CHECKS

LONG = ("nothing is learned at rate 0",)
"""Checks of a rule on every decision task: half a minute each."""
CHECKS = [
    pytest.param(check, marks=pytest.mark.slow) if check in LONG else check
    for check in RULE_CHECKS
]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", RULES)
def test_rule(name, check):
    RULE_CHECKS[check](name)
