"""Representational similarity of two networks on the same trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from popnet.analysis.representations import cosines, dissimilarity_vector
from popnet.metrics._pairs import Prepared
from popnet.metrics._samples import SampledSettings, forms, prepared_samples
from popnet.metrics._subject import Subject


class RSA(SampledSettings):
    """Rank correlation of two networks' dissimilarity matrices, from -1 to 1.

    A matrix holds the dissimilarity of the activity at any two steps of trials.
    Unchanged by rotation, reflection, shift and scale of either activity (with
    ``dissimilarity: correlation`` by relabelling and scale alone), and by any order of
    the samples that both share; changed by stretching.
    """

    reference: ClassVar[str] = (
        "Kriegeskorte, Mur & Bandettini 2008, Front Syst Neurosci"
    )
    summary: ClassVar[str] = "whether two networks hold the same moments to be alike"
    range: ClassVar[tuple[float, float]] = (-1, 1)
    name: Literal["rsa"] = "rsa"  # type: ignore[assignment]
    samples: Annotated[
        int,
        Field(
            ge=8,
            le=4096,
            description="steps of trials that are compared, the same of every network",
        ),
    ] = 256
    dissimilarity: Annotated[
        Literal["euclidean", "correlation"],
        Field(
            description="of two steps: the distance of their activities, or 1 less "
            "their correlation over units"
        ),
    ] = "euclidean"


def dissimilarities(settings: RSA, subject: Subject) -> dict[str, NDArray[Any]]:
    """The ranks of the dissimilarities of any two samples, as a unit vector."""
    return prepared_samples(
        settings,
        subject,
        lambda x_SN: dissimilarity_vector(x_SN, settings.dissimilarity),
    )


def representational_similarity(
    settings: RSA, a: Sequence[Prepared], b: Sequence[Prepared]
) -> NDArray[np.float64]:
    """Spearman's correlation of each pair; NaN where an activity does not vary."""
    return cosines(*forms(settings, a, b))
