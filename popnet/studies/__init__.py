"""Papers done again, by the name ``popnet study`` uses.

A new study: one folder, one line in STUDIES.
"""

from __future__ import annotations

from typing import Any

from popnet.registry import Registry
from popnet.studies import degeneracy, heterogeneity, rules
from popnet.studies.study import Claim as Claim
from popnet.studies.study import Judgement as Judgement
from popnet.studies.study import Study as Study

STUDIES: Registry[Study[Any]] = Registry(
    "studies",
    Study,
    {
        "heterogeneity": heterogeneity.STUDY,
        "degeneracy": degeneracy.STUDY,
        "rules": rules.STUDY,
    },
)
