"""Every study in the registry is what it declares."""

import pytest

from popnet.studies import STUDIES
from popnet.testing.studies import STUDY_CHECKS


@pytest.mark.parametrize("check", STUDY_CHECKS)
@pytest.mark.parametrize("name", STUDIES)
def test_study(name, check):
    STUDY_CHECKS[check](name)
