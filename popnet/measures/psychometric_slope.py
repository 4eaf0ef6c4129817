"""Slope of the psychometric curve: how steeply decisions follow the evidence."""

from __future__ import annotations

from typing import ClassVar, Literal

from popnet.analysis.psychometric import psychometric_curve
from popnet.config import MeasureSettings, Observed
from popnet.measures._seen import ChoicesSeen


class PsychometricSlope(MeasureSettings):
    """Slope of the psychometric curve: how steeply decisions follow the evidence."""

    reference: ClassVar[str] = "Wichmann & Hill, Percept Psychophys 2001;63:1293"
    summary: ClassVar[str] = "how steeply decisions rise with the evidence"
    needs: ClassVar[Observed] = "choices"
    label: ClassVar[str] = "psychometric slope"
    note: ClassVar[str] = (
        "Psychometric slope: k, per unit of evidence; without lapses the steepest rise "
        "of the probability is k / 4."
    )
    form: ClassVar[str] = ".3g"
    range: ClassVar[tuple[float, float]] = (0, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset({"reordering", "mirror"})
    name: Literal["psychometric_slope"] = "psychometric_slope"  # type: ignore[assignment]


def psychometric_slope(settings: PsychometricSlope, seen: ChoicesSeen) -> float:
    """k, per unit of evidence: the largest slope is k / 4 without lapses.

    Of the logistic with lapses of ``analysis.psychometric``; NaN where none fits.
    """
    return psychometric_curve(seen.evidence_B, seen.plus_B).slope
