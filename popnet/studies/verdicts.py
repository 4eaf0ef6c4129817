"""Verdicts on all claims of a page, corrected for their number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from popnet.analysis.inference import corrected
from popnet.runs.findings import Verdict
from popnet.studies.evidence import Shown

WRONG = 0.05
"""The largest chance that any verdict of a page is wrong."""


def verdicts(shown: Sequence[Shown]) -> list[tuple[Verdict, float]]:
    """The verdict on each claim, and its p-value corrected by Holm for all of them.

    A claim counts as one test, whichever way it comes out: it cannot be false that it
    holds and false that it does not.  So with m claims the i-th clearest is judged by
    intervals of level 1 - 0.05 / (m - i + 1).
    """
    pairs = [(float(one.true), float(one.false)) for one in shown]
    adjusted = corrected([min(pair) for pair in pairs])
    return [
        (verdict_of(true, false) if p <= WRONG else "undecided", float(p))
        for (true, false), p in zip(pairs, adjusted, strict=True)
    ]


def verdict_of(true: float, false: float) -> Verdict:
    """The verdict at the smaller of the two p-values."""
    return "holds" if true < false else "does not hold"


def shares(shown: Shown, claims: int) -> dict[Verdict, float]:
    """How often each verdict comes out, at the level of the clearest of m claims."""
    level = WRONG / max(claims, 1)
    holds = (shown.true <= level) & (shown.true < shown.false)
    fails = (shown.false <= level) & ~holds
    return {
        "holds": float(np.mean(holds)),
        "does not hold": float(np.mean(fails)),
        "undecided": float(np.mean(~holds & ~fails)),
    }
