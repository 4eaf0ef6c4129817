"""Asymmetry of the recurrent weights: |W - W'| / (2 |W|), Frobenius norms."""

from typing import ClassVar, Literal

import numpy as np

from popnet.config import MeasureSettings
from popnet.measures import Measure


class Asymmetry(MeasureSettings):
    """0 for symmetric weights, 1 for antisymmetric ones."""

    reference: ClassVar[str] = "a test of popnet"
    summary: ClassVar[str] = "how far the recurrent weights are from symmetric"
    needs: ClassVar[Literal["weights"]] = "weights"
    label: ClassVar[str] = "asymmetry"
    form: ClassVar[str] = ".3f"
    range: ClassVar[tuple[float, float]] = (0, 1)
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "sign", "transposition", "scale"}
    )
    listed: ClassVar[bool] = True
    name: Literal["asymmetry"] = "asymmetry"


def asymmetry(settings, seen):
    """The asymmetry of the final weights; NaN where all are 0."""
    w_NN = seen.final_NN
    size = 2 * np.linalg.norm(w_NN)
    return float(np.linalg.norm(w_NN - w_NN.T) / size) if size else float("nan")


ASYMMETRY = Measure(Asymmetry, asymmetry)
