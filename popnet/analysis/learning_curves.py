"""Learning curves of a population whose networks stop at different trials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

BANDS = {"q25": 0.25, "median": 0.5, "q75": 0.75}


def carried_forward(curves: pd.DataFrame, column: str) -> pd.DataFrame:
    """``column`` by trial (rows) and network key (columns), finite values alone.

    A network that has stopped is frozen, so its last block stands for every later
    trial.  Without this the median would rise as the fast learners leave.
    """
    known = curves[np.isfinite(curves[column].astype(float))]
    wide = known.pivot(index="trial", columns="key", values=column)
    return wide.astype(float).sort_index().ffill()


def population_curve(curves: pd.DataFrame, column: str) -> pd.DataFrame:
    """q25, median and q75 over networks, by trial; callers leave diverged ones out."""
    wide = carried_forward(curves, column)
    if wide.empty:  # which pandas takes no quantiles of
        return wide.reindex(columns=list(BANDS))
    rows = {band: wide.quantile(share, axis=1) for band, share in BANDS.items()}
    return wide.iloc[:, :0].assign(**rows)
