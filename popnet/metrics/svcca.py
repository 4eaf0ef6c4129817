"""Canonical correlations of two networks' principal components on the same trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from popnet.analysis.representations import canonical_correlations, principal_basis
from popnet.metrics._pairs import Prepared
from popnet.metrics._samples import SampledSettings, forms, prepared_samples
from popnet.metrics._subject import Subject


class SVCCA(SampledSettings):
    """Mean canonical correlation of the kept principal components, in [0, 1].

    Of each network those components are kept that hold a ``share`` of what it varies,
    and then all count alike; there are as many correlations as the network with fewer
    components has.  Unchanged by rotation, reflection, shift and scale of either
    activity, and by any order of the samples that both share.  Unrelated networks of
    K components are at about sqrt(K / samples).
    """

    reference: ClassVar[str] = "Raghu et al. 2017, NeurIPS"
    summary: ClassVar[str] = "how alike activity is, all its large directions equally"
    name: Literal["svcca"] = "svcca"  # type: ignore[assignment]
    samples: Annotated[
        int,
        Field(
            ge=8,
            le=65_536,
            description="steps of trials that are compared, the same of every network",
        ),
    ] = 2048
    share: Annotated[
        float, Field(gt=0, le=1, description="share of its variations that is kept")
    ] = 0.99


def kept_components(settings: SVCCA, subject: Subject) -> dict[str, NDArray[Any]]:
    """The kept components in the samples [S, K], orthonormal."""
    return prepared_samples(
        settings, subject, lambda x_SN: principal_basis(x_SN, settings.share)
    )


def svcca_similarity(
    settings: SVCCA, a: Sequence[Prepared], b: Sequence[Prepared]
) -> NDArray[np.float64]:
    """The mean correlation of each pair; NaN where an activity does not vary."""
    pairs = zip(*forms(settings, a, b), strict=True)
    return np.array([_mean_correlation(one, other) for one, other in pairs], float)


def _mean_correlation(u_SK: NDArray[Any], v_SK: NDArray[Any]) -> float:
    if len(u_SK) != len(v_SK):
        return float("nan")
    return float(np.mean(canonical_correlations(u_SK, v_SK)))
