"""Effects over seeds, the independent units of a study, each with its interval.

Tables have a row per network, with the columns ``seed`` and ``task``: networks of one
seed start from the same draws in every condition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from popnet.analysis.inference import Effect, bootstrap_mean, standardised_difference

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

RANDOM = 20_260_403
"""The seed of every bootstrap and permutation: the same records, the same page."""


def drawing() -> np.random.Generator:
    """Return a fresh generator, which is always the same."""
    return np.random.default_rng(RANDOM)


def by_seed(frame: pd.DataFrame, column: str) -> pd.Series:
    """The mean of a column over all networks of a seed, tasks counted alike."""
    return frame.groupby(["seed", "task"])[column].mean().groupby("seed").mean()


def mean_over_seeds(values: ArrayLike) -> Effect:
    """The mean with its interval, always by the same draws."""
    return bootstrap_mean(values, drawing())


def mean_of(frame: pd.DataFrame, column: str) -> Effect:
    """The mean of a column over tasks and conditions, its interval over seeds."""
    return mean_over_seeds(by_seed(frame, column).to_numpy())


def count_of(found: int, seeds: int) -> Effect:
    """A count, which has no interval."""
    return Effect(found, np.nan, np.nan, seeds)


def standardised(values: ArrayLike) -> str:
    """The mean over its deviation between seeds, in words (Hedges' g of pairs)."""
    effect = standardised_difference(values, np.zeros(np.size(values)), drawing())
    return f"Effect size {effect.value:.2f} ({effect.low:.2f} to {effect.high:.2f})."


def listed(frame: pd.DataFrame, column: str, by: str = "task") -> str:
    """List the mean of each group: "dnms 0.31, order 0.02"."""
    means = frame.groupby(by, sort=False)[column].mean()
    return ", ".join(f"{name} {value:.2f}" for name, value in means.items())
