"""Every task in the registry is what it declares."""

import pytest

from popnet.tasks import TASKS
from popnet.testing import TASK_CHECKS


@pytest.mark.parametrize("check", TASK_CHECKS)
@pytest.mark.parametrize("name", TASKS)
def test_task(name, check):
    TASK_CHECKS[check](name)
