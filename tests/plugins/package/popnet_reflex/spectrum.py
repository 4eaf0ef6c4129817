"""Likeness of spectra: cosine of the sorted moduli of the eigenvalues of W."""

from typing import ClassVar, Literal

import numpy as np

from popnet.config import MetricSettings
from popnet.metrics import Metric


class Spectrum(MetricSettings):
    """A similarity, 1 for weights with the same eigenvalues up to scale and phase."""

    reference: ClassVar[str] = "a test of popnet"
    summary: ClassVar[str] = "how alike the eigenvalues of the weights are"
    kind: ClassVar[Literal["similarity"]] = "similarity"
    range: ClassVar[tuple[float, float]] = (0, 1)
    precision: ClassVar[float] = 1e-12
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "sign", "transposition", "scale"}
    )
    needs: ClassVar[tuple[str, ...]] = ("weights",)
    stored: ClassVar[bool] = True
    name: Literal["spectral_likeness"] = "spectral_likeness"


def moduli(settings, subject):
    """The moduli of the eigenvalues, the largest first."""
    eigenvalues = np.linalg.eigvals(subject.final_NN.astype(np.float64))
    return {"moduli_N": np.sort(np.abs(eigenvalues))[::-1]}


def likeness(settings, a, b):
    """The cosine of each pair of spectra, [M]."""
    a_MN, b_MN = (np.array([one["moduli_N"] for one in side]) for side in (a, b))
    sizes_M = np.linalg.norm(a_MN, axis=1) * np.linalg.norm(b_MN, axis=1)
    return (a_MN * b_MN).sum(1) / sizes_M


SPECTRUM = Metric(Spectrum, moduli, likeness, lambda config: config.network.units)
