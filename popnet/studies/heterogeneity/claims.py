"""The statements of Santhosh & Narayanan 2026 (bioRxiv 10.64898/2026.04.03.716300).

The abstract alone is public: the claims are its statements in our words, and how each
is measured is our decision.
"""

from __future__ import annotations

from popnet.studies.heterogeneity.learning_claims import (
    LEARNING,
    NOT_MONOTONE,
    TASK_DEPENDENCE,
)
from popnet.studies.heterogeneity.robustness_claims import (
    BREAK_MEMORY,
    DROPS_NOT_MONOTONE,
    JITTER_IS_WORST,
    TAU_ACCURACY,
    TAU_DYNAMICS,
    TAU_REDRAWN,
)
from popnet.studies.heterogeneity.solution_claims import (
    DEGENERATE,
    PERFORM_ALIKE,
    TRANSFER,
)

CLAIMS = (
    LEARNING,
    TASK_DEPENDENCE,
    NOT_MONOTONE,
    TAU_DYNAMICS,
    TAU_ACCURACY,
    TAU_REDRAWN,
    *BREAK_MEMORY,
    JITTER_IS_WORST,
    DROPS_NOT_MONOTONE,
    TRANSFER,
    PERFORM_ALIKE,
    *DEGENERATE,
)
"""In the order of the abstract."""
