"""What degeneracy is, in numbers of a condition: its networks, or pairs of them.

A quantity is logarithmic where its unit is doublings: a trend along a factor is then a
slope of log2 of it.  Sources say in which of a run's tables a quantity is found.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from popnet.studies.degeneracy import measured
from popnet.studies.degeneracy.estimates import (
    NOTHING,
    Estimate,
    deviation,
    mean,
    pair_mean,
)
from popnet.studies.degeneracy.tables import OneCondition

if TYPE_CHECKING:
    import pandas as pd

RELATIVE_SCALE = "unrelated"
"""The scale of weight distances where none is named: that of unrelated matrices."""


class Pairs(NamedTuple):
    """The mean over pairs of networks by one metric, or by a null of it.

    Where a sweep asks for several settings of a metric, that with the fewest words is
    the main one.
    """

    metric: str
    scale: str | None = None
    """the scale of weight distances"""
    null: str | None = None
    """"untrained", "shuffled" or "again"; None for the trained networks"""
    column: str = "value"
    """"bound": what no alignment can be better than"""

    def rows(self, cell: OneCondition) -> pd.DataFrame:
        """The pairs that the mean is over."""
        pairs = cell.pairs
        own = pairs[pairs["metric"] == self.metric]
        for null in ("untrained", "shuffled", "again"):
            own = own[own[null] == (null == self.null)]
        texts = sorted(set(own["settings"]), key=lambda text: (len(text), text))
        fit = (text for text in texts if self._scaled(text))
        return own[own["settings"] == next(fit, "")]

    def _scaled(self, settings: str) -> bool:
        given = json.loads(settings)
        if given.get("of", "weights") != "weights":
            return False
        return self.scale in (None, given.get("scale", RELATIVE_SCALE))

    def of(self, cell: OneCondition) -> Estimate:
        """The mean, and without each network."""
        rows = self.rows(cell)
        return pair_mean(rows, self.column) if self.column in rows else NOTHING


class Networks(NamedTuple):
    """The mean or the standard deviation over networks of a column."""

    column: Callable[[pd.DataFrame], str | None]
    spread: bool = False

    def of(self, cell: OneCondition) -> Estimate:
        """The number, and without each network."""
        name = self.column(cell.networks)
        if name is None or name not in cell.networks:
            return NOTHING
        over = deviation if self.spread else mean
        return over(cell.networks["seed"], cell.networks[name].to_numpy(float))


class Quantity(NamedTuple):
    """A number of a condition, and the smallest change of it that is of interest."""

    words: str
    source: Pairs | Networks
    log: bool
    smallest: float
    """per unit of a factor: in doublings where ``log``, else in its own unit"""

    @property
    def unit(self) -> str:
        """The unit of a difference."""
        return "doublings" if self.log else "of 1"

    def transformed(self, values: np.ndarray) -> np.ndarray:
        """log2 where it is logarithmic; NaN for what has no logarithm."""
        if not self.log:
            return values
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(
                values > 0, np.log2(np.where(values > 0, values, 1)), np.nan
            )


def _ood(_: pd.DataFrame) -> str:
    return "ood_error"


DYNAMICS = Pairs("dsa")
QUANTITIES = {
    "dynamics": Quantity("distance of dynamics (DSA)", DYNAMICS, True, 0.15),
    "dynamics_drawn": Quantity(
        "DSA of networks as drawn", Pairs("dsa", null="untrained"), True, 0.15
    ),
    "weights_paper": Quantity(
        "distance of weights, per parameter",
        Pairs("weights", "per_parameter"),
        True,
        0.05,
    ),
    "weights_paper_drawn": Quantity(
        "distance of weights as drawn, per parameter",
        Pairs("weights", "per_parameter", "untrained"),
        True,
        0.05,
    ),
    "weights_free": Quantity(
        "distance of weights, relative to their size",
        Pairs("weights", "relative"),
        True,
        0.05,
    ),
    "weights_free_drawn": Quantity(
        "distance of weights as drawn, relative to their size",
        Pairs("weights", "relative", "untrained"),
        True,
        0.05,
    ),
    "weights_unrelated": Quantity(
        "distance of weights, 1 for unrelated matrices",
        Pairs("weights", "unrelated"),
        True,
        0.05,
    ),
    "behaviour": Quantity(
        "spread of error at twice the duration, sigma_OOD",
        Networks(_ood, spread=True),
        True,
        0.5,
    ),
    "mean_loss": Quantity(
        "mean error at twice the duration", Networks(_ood), True, 0.3
    ),
    "disagreement": Quantity(
        "distance of outputs on common trials", Pairs("behaviour"), True, 0.5
    ),
    "representations": Quantity(
        "SVCCA of representations", Pairs("svcca"), log=False, smallest=0.05
    ),
    "change": Quantity(
        "change of weights by training", Networks(measured.of_weight_change), True, 0.15
    ),
    "kernel": Quantity(
        "alignment of tangent kernels, before and after training",
        Networks(measured.of_kernel),
        log=False,
        smallest=0.05,
    ),
}  # fmt: skip
"""The smallest effects of interest were decided before any network was trained."""
