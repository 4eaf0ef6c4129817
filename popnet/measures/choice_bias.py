"""Bias of decisions: the evidence that they act as if it were always added."""

from __future__ import annotations

from typing import ClassVar, Literal

from popnet.analysis.psychometric import psychometric_curve
from popnet.config import MeasureSettings, Observed
from popnet.measures._seen import ChoicesSeen


class ChoiceBias(MeasureSettings):
    """Bias of decisions: the evidence that they act as if it were always added."""

    reference: ClassVar[str] = "Wichmann & Hill, Percept Psychophys 2001;63:1293"
    summary: ClassVar[str] = "evidence that decisions act as if it were added"
    needs: ClassVar[Observed] = "choices"
    label: ClassVar[str] = "choice bias"
    note: ClassVar[str] = (
        "Choice bias: b, in the unit of evidence: positive where decisions lean to +."
    )
    form: ClassVar[str] = ".3g"
    range: ClassVar[tuple[float, float]] = (-float("inf"), float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset({"reordering"})
    name: Literal["choice_bias"] = "choice_bias"  # type: ignore[assignment]


def choice_bias(settings: ChoiceBias, seen: ChoicesSeen) -> float:
    """b, in the unit of evidence: positive where decisions lean to +.

    Of the logistic with lapses of ``analysis.psychometric``; NaN where none fits.
    """
    return psychometric_curve(seen.evidence_B, seen.plus_B).bias
