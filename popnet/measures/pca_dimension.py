"""Number of principal components that hold most of the variance of activity."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from popnet.analysis.activity import variances
from popnet.config import MeasureSettings, Observed
from popnet.measures._seen import ActivitySeen


class PcaDimension(MeasureSettings):
    """Number of principal components that hold a share of the variance, no unit."""

    reference: ClassVar[str] = "popnet; principal components of mean rates"
    summary: ClassVar[str] = "principal components that hold most of the variance"
    needs: ClassVar[Observed] = "activity"
    label: ClassVar[str] = "PCA dimension\n(90 % of variance)"
    form: ClassVar[str] = ".0f"
    range: ClassVar[tuple[float, float]] = (1, float("inf"))
    invariances: ClassVar[frozenset[str]] = frozenset(
        {"relabelling", "rotation", "shift", "scale", "reordering", "time step"}
    )
    always: ClassVar[bool] = True
    name: Literal["pca_dimension"] = "pca_dimension"  # type: ignore[assignment]
    share: Annotated[
        float, Field(gt=0, le=1, description="the part of the variance to be held")
    ] = 0.9


def pca_dimension(settings: PcaDimension, seen: ActivitySeen) -> float:
    """The fewest principal components that hold a share of the variance, no unit.

    min d with sum_{i<=d} l_i >= share * sum_i l_i, where l are the eigenvalues in
    falling order of the units' covariance over the K * T samples.  NaN without
    variance.
    """
    variance_N = variances(seen.rates_KTN)
    total = float(variance_N.sum())
    if not total > 0:
        return float("nan")
    # a hair less than the share: rounding must not ask for one component more
    enough = settings.share * total * (1 - 1e-12)
    return float(1 + np.searchsorted(np.cumsum(variance_N), enough))
