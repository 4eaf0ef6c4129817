"""From an effect with its interval to a verdict."""

from __future__ import annotations

from popnet.analysis.inference import Effect
from popnet.runs.findings import Verdict


def above(effect: Effect, bound: float) -> Verdict:
    """Holds where the whole interval is above the bound, not where all is below."""
    if effect.low > bound:
        return "holds"
    return "does not hold" if effect.high <= bound else "undecided"


def below(effect: Effect, bound: float) -> Verdict:
    """Holds where the whole interval is below the bound, not where all is above."""
    if effect.high < bound:
        return "holds"
    return "does not hold" if effect.low >= bound else "undecided"


def both(*verdicts: Verdict) -> Verdict:
    """Judge a claim of several parts: it holds if all do, and not if one does not."""
    if "does not hold" in verdicts:
        return "does not hold"
    return "holds" if set(verdicts) == {"holds"} else "undecided"
