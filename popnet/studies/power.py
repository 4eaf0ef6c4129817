"""What verdict a claim would get at this number of seeds: a table beside the claims.

Experiments are made of the run's own seeds: how far their numbers lie from their mean
is drawn with replacement, seed by seed, and the mean is moved to what is planted.
"""

from __future__ import annotations

import numpy as np

from popnet.runs.findings import PLANTED, Power
from popnet.studies.effects import drawing
from popnet.studies.evidence import FALSE, NULL, TRUE, Draws, Evidence
from popnet.studies.verdicts import shares

TRUTHS = (TRUE, FALSE, NULL)
EXPERIMENTS = 500
"""The standard error of a share is then 0.022 at most."""


def power(
    evidence: Evidence, claims: int, experiments: int = EXPERIMENTS
) -> Power | None:
    """The share of experiments with each verdict, by what is planted.

    Each is judged at the level of the clearest of ``claims`` on the page, so that the
    chance of a verdict on the page is this or larger.  None without seeds or
    experiments.
    """
    if 0 in (evidence.seeds, experiments):
        return None
    made = {}
    for name, truth in zip(PLANTED, TRUTHS, strict=True):
        random = drawing()
        draws = Draws(random.random((experiments, evidence.seeds)), random)
        truth_D = np.full(experiments, truth)
        made[name] = dict(shares(evidence.planted(truth_D, draws).shown(), claims))
    return made
