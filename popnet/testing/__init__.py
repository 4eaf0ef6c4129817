"""The contract suites of registry entries: popnet's own and other people's.

    from popnet.testing import check_task

    def test_my_task():
        check_task("my_task")

Each kind of entry has a dict of checks, name -> function of the entry's name.  A check
raises AssertionError where an entry is not what it declares, and unittest.SkipTest
where it needs a package that is not installed.  ``check_task`` runs all of them.
"""

from popnet.testing.measures import MEASURE_CHECKS as MEASURE_CHECKS
from popnet.testing.measures import check_measure as check_measure
from popnet.testing.metrics import METRIC_CHECKS as METRIC_CHECKS
from popnet.testing.metrics import check_metric as check_metric
from popnet.testing.perturbations import PERTURBATION_CHECKS as PERTURBATION_CHECKS
from popnet.testing.perturbations import check_perturbation as check_perturbation
from popnet.testing.rules import RULE_CHECKS as RULE_CHECKS
from popnet.testing.rules import check_rule as check_rule
from popnet.testing.studies import STUDY_CHECKS as STUDY_CHECKS
from popnet.testing.studies import check_study as check_study
from popnet.testing.tasks import TASK_CHECKS as TASK_CHECKS
from popnet.testing.tasks import check_task as check_task
