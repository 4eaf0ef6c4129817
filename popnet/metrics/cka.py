"""Linear centred kernel alignment of two networks on the same trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from popnet.analysis.representations import cosines, gram_vector
from popnet.metrics._pairs import Prepared
from popnet.metrics._samples import SampledSettings, forms, prepared_samples
from popnet.metrics._subject import Subject


class CKA(SampledSettings):
    """|X' Y|_F^2 / (|X' X|_F |Y' Y|_F), 1 for equal activity; X, Y [samples, units].

    Columns are centred.  Unchanged by rotation, reflection, shift and scale of either
    activity, and by any order of the samples that both share; changed by stretching.
    Unrelated networks are above 0, about d / samples for activity of d dimensions;
    with ``debiased`` they are at 0 on average, and a pair may come out below.
    """

    reference: ClassVar[str] = "Kornblith et al. 2019, ICML; debiased: Song et al. 2012"
    summary: ClassVar[str] = "how alike activity is, most of all its large directions"
    range: ClassVar[tuple[float, float]] = (-1, 1)  # below 0 with ``debiased`` alone
    name: Literal["cka"] = "cka"  # type: ignore[assignment]
    debiased: Annotated[
        bool, Field(description="0 on average for unrelated activity, of few samples")
    ] = False


def centred_gram(settings: CKA, subject: Subject) -> dict[str, NDArray[Any]]:
    """The Gram matrix of the samples, as a vector of unit length."""
    return prepared_samples(
        settings, subject, lambda x_SN: gram_vector(x_SN, settings.debiased)
    )


def cka_similarity(
    settings: CKA, a: Sequence[Prepared], b: Sequence[Prepared]
) -> NDArray[np.float64]:
    """The CKA of each pair; NaN where an activity does not vary."""
    return cosines(*forms(settings, a, b))
