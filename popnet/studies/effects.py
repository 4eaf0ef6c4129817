"""Numbers per seed, the independent units of a study, and their effects.

Tables have a row per network, with the columns ``seed`` and ``task``: networks of one
seed start from the same draws in every condition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from popnet.analysis.inference import Effect, mean_interval, standardised_difference

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

RANDOM = 20_260_403
"""The seed of the experiments of the table of power: same records, same page."""


def drawing() -> np.random.Generator:
    """Return a fresh generator, which is always the same."""
    return np.random.default_rng(RANDOM)


def by_seed(frame: pd.DataFrame, column: str) -> pd.Series:
    """The mean of a column over all networks of a seed, tasks counted alike."""
    return frame.groupby(["seed", "task"])[column].mean().groupby("seed").mean()


def seed_values(frame: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """The finite numbers of ``by_seed``."""
    return by_seed(frame, column).dropna().to_numpy(float)


def mean_of(frame: pd.DataFrame, column: str) -> Effect:
    """The mean of a column over tasks and conditions, its interval over seeds."""
    return mean_interval(by_seed(frame, column).to_numpy(float))


def count_of(found: int, seeds: int) -> Effect:
    """A count, which has no interval."""
    return Effect(found, np.nan, np.nan, seeds)


def standardised(values: ArrayLike) -> str:
    """The mean over its deviation between seeds, in words (Hedges' g of pairs)."""
    size = standardised_difference(values, np.zeros(np.size(values)))
    return f"Effect size {size:.2f}."


def listed(frame: pd.DataFrame, column: str, by: str = "task") -> str:
    """List the mean of each group: "dnms 0.31, order 0.02"."""
    means = frame.groupby(by, sort=False)[column].mean()
    return ", ".join(f"{name} {value:.2f}" for name, value in means.items())
